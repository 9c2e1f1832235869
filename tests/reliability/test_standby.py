"""Reading where nothing can be written, and going on when it can again: a READ ONLY transaction,
a real streaming standby, and its promotion under a running sidecar."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from pgjikan import migrations, postgres_install, sidecar
from pgjikan.server import EmbeddedServer
from pgjikan.settings import Settings
from tests.conftest import NO_DURABILITY, Simulate
from tests.reliability.conftest import Connection, fill, grant_logins
from tests.security.test_definer import QUESTIONS, answer
from tests.store.documents import full
from tests.store.test_store_anime import value


def ask_all(app: Connection) -> dict[str, Any]:
    return {name: answer(app, question) for name, question in QUESTIONS.items()}


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_read_only_transaction_answers_and_writes_nothing(
    connection: Connection, connect: Callable[..., Connection]
) -> None:
    fill(connection)
    app = connect(role="anime_reader")
    expected = ask_all(app)
    assert all(expected[name] for name in ("search", "get", "similar", "recommend", "reviews"))
    connection.execute("DELETE FROM jikan_sync.queue")
    connection.execute("UPDATE jikan.anime SET last_jikan_sync = '2020-01-01'")
    app.execute("SET default_transaction_read_only = on")
    for name, question in QUESTIONS.items():
        with app.transaction(force_rollback=True):
            rows = answer(app, question.replace("bepop", "zzzzz"))
            assert len(rows) == len(expected[name]) or name in ("search", "search_live")
            assert value(app, "SELECT pg_current_xact_id_if_assigned()") is None, name
        assert answer(app, question) is not None
    assert value(app, "SELECT anime.get(999999)") is None
    assert value(connection, "SELECT count(*) FROM jikan_sync.queue") == 0


def test_a_standby_answers_and_takes_over(folder: Path, simulate: Simulate) -> None:
    primary = EmbeddedServer(folder / "primary", options=NO_DURABILITY)
    standby = EmbeddedServer(folder / "standby", options=NO_DURABILITY)
    stop, died = Event(), []
    with primary, simulate([full(70, title="Paprika"), full(50)]) as upstream:
        dsn = primary.dsn()
        migrations.deploy(dsn, verify=False)
        with psycopg.connect(dsn, autocommit=True) as writer:
            fill(writer)
            app_name, sidecar_name = grant_logins(writer, "standby")
            writer.execute(
                "UPDATE jikan_sync.provider SET base_url = %s, per_second = NULL,"
                " per_minute = NULL WHERE enabled",
                [upstream.url],
            )
            with as_app(dsn, app_name) as app:
                expected = ask_all(app)
            copy(primary, standby)
            with standby:
                replica = standby.dsn()
                position = value(writer, "SELECT pg_current_wal_lsn()")
                with psycopg.connect(replica, autocommit=True) as reader:
                    wait_until(
                        lambda: value(reader, "SELECT pg_last_wal_replay_lsn() >= %s", position)
                    )
                    assert value(reader, "SELECT pg_is_in_recovery()")
                    app = as_app(replica, app_name)
                    assert ask_all(app) == expected
                    assert app.execute("SELECT * FROM anime.search('paprika')").fetchall() == []

                    def work() -> None:
                        try:
                            sidecar.run(
                                ["jikan", "embedding"],
                                make_conninfo(replica, user=sidecar_name),
                                Settings(poll_seconds=0.2, tick_seconds=0.2),
                                stop,
                            )
                        except BaseException as error:
                            died.append(error)

                    thread = Thread(target=work)
                    thread.start()
                    try:
                        wait_until(lambda: refusals(standby) >= 4)
                        assert thread.is_alive()
                        primary.stop("immediate")
                        assert value(reader, "SELECT pg_promote()")
                        wait_until(
                            lambda: app.execute("SELECT 1 FROM anime.search('paprika')").fetchall()
                        )
                        wait_until(
                            lambda: app.execute("SELECT 1 FROM anime.similar(70)").fetchall()
                        )
                    finally:
                        stop.set()
                        thread.join(30)
                    app.close()
    assert died == []


def as_app(dsn: str, name: str) -> Connection:
    return psycopg.connect(dsn, user=name, autocommit=True)


def refusals(server: EmbeddedServer) -> int:
    """How often the server has told someone that it only reads."""
    text = server.log.read_text()
    return text.count("in a read-only transaction") + text.count("during recovery")


def copy(primary: EmbeddedServer, standby: EmbeddedServer) -> None:
    """Make the standby's cluster from the running primary, as a DBA does."""
    account = postgres_install.server_account(primary.cluster)
    with (primary.cluster / "pg_hba.conf").open("a") as rules:
        rules.write("local replication all peer map=owner\n")
    with psycopg.connect(primary.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")
    status = primary.status()
    standby.data_dir.mkdir(mode=0o755)
    if account is not None:
        os.chown(standby.data_dir, account.pw_uid, account.pw_gid)
    program = postgres_install.reachable_binaries(account) / "pg_basebackup"
    words = ["-h", str(status.socket_dir), "-p", str(status.port), "-U", "postgres"]
    words += ["-D", str(standby.cluster), "-R", "-X", "stream", "-c", "fast", "--no-sync"]
    result = postgres_install.run_as(account, [str(program), *words])
    assert result.returncode == 0, result.stdout
