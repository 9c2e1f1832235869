"""A session of its own for each script, so that nothing a script sets outlives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from pgjikan.migrations.script import Script, ScriptError, Statement
from pgjikan.settings import with_application_name

SAVEPOINTS = {
    "begin": "SAVEPOINT pgjikan",
    "rollback": "ROLLBACK TO SAVEPOINT pgjikan",
    "commit": "RELEASE SAVEPOINT pgjikan",
}


@dataclass(frozen=True, slots=True)
class Session:
    """Carries scripts out."""

    connection: psycopg.Connection[dict[str, Any]]

    def run(self, script: Script) -> None:
        """Everything, as psql would."""
        for statement in script.statements:
            self._execute(script, statement)
        if self.connection.info.transaction_status != TransactionStatus.IDLE:
            raise ScriptError(
                f"{script.name} ends inside a transaction, so it changed nothing",
                hint="end it with COMMIT, a verify script with ROLLBACK",
            )

    @contextmanager
    def transaction(self, script: Script) -> Iterator[None]:
        """The script's one transaction: its BEGIN, what the caller does inside, its COMMIT.

        Whatever the caller writes commits with the script or not at all.
        """
        first, *_, last = script.statements
        self._execute(script, first)
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):  # a lost session is rolled back already
                self.connection.rollback()
            raise
        self._execute(script, last)

    def run_body(self, script: Script) -> None:
        """What stands between the script's BEGIN and its COMMIT; then no trace of its settings."""
        for statement in script.statements[1:-1]:
            self._execute(script, statement)
        self._reset()

    def run_nested(self, script: Script) -> None:
        """A script that is a transaction, as part of the one that is open."""
        for statement in script.statements:
            if statement.control is None:
                self._execute(script, statement)
            else:
                self.connection.execute(SAVEPOINTS[statement.control].encode())
        self._reset()

    def look_into_extensions(self) -> None:
        """Find what extensions brought, in whatever schema they are."""
        self.connection.execute(
            """
            SELECT set_config(
                'search_path',
                concat_ws(
                    ', ',
                    nullif(current_setting('search_path'), ''),
                    string_agg(DISTINCT quote_ident(n.nspname), ', ')
                ),
                false
            )
            FROM pg_extension AS e
            JOIN pg_namespace AS n ON n.oid = e.extnamespace
            WHERE n.nspname <> ALL (current_schemas(true)) AND has_schema_privilege(n.oid, 'USAGE')
            HAVING count(*) > 0
            """
        )

    def _reset(self) -> None:
        for setting in ("SESSION AUTHORIZATION", "ROLE", "ALL"):
            self.connection.execute(f"RESET {setting}".encode())
        self.look_into_extensions()

    def _execute(self, script: Script, statement: Statement) -> None:
        try:
            self.connection.execute(statement.text.encode())
        except psycopg.Error as error:
            raise script.blame(statement, error) from error


@contextmanager
def open_session(
    conninfo: str, on_notice: Callable[[str], None] | None = None
) -> Iterator[Session]:
    """A session whose statements end soon after this process does, however it ends."""
    connection = psycopg.connect(
        with_application_name(conninfo, "pgjikan deploy"),
        autocommit=True,
        row_factory=dict_row,
        client_encoding="utf8",
    )
    with closing(connection):  # not psycopg's own `with`, which would commit what is left open
        with suppress(psycopg.errors.InvalidParameterValue):  # the server's system cannot tell
            connection.execute("SET client_connection_check_interval = '1s'")
        if on_notice is not None:
            connection.add_notice_handler(
                lambda notice: on_notice(f"{notice.severity}: {notice.message_primary}")
            )
        session = Session(connection)
        session.look_into_extensions()
        yield session
