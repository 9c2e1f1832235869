"""What is a letter does not depend on the database's locale, which may know none but a to z."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgjikan import migrations
from tests.conftest import Server, fresh_database


@pytest.fixture
def elsewhere(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A database of locale C, with all changes."""
    with (
        fresh_database(server, None) as conninfo,
        psycopg.connect(conninfo, autocommit=True) as connection,
    ):
        name = connection.info.dbname + "_c"
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'"
                " LOCALE_PROVIDER libc LOCALE 'C'"
            ).format(sql.Identifier(name))
        )
        try:
            migrations.deploy(server.conninfo(name), verify=False)
            with psycopg.connect(server.conninfo(name), autocommit=True) as there:
                yield there
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def test_letters_are_letters_everywhere(elsewhere: psycopg.Connection[Any]) -> None:
    rows = elsewhere.execute(
        "SELECT query FROM unnest(jikan_sync.bare_queries('[a] 進撃の巨人 - 05'))"
    )
    assert rows.fetchall()[-1] == ("進撃の巨人",)
    assert elsewhere.execute(
        "SELECT jikan_sync.highlight('超電磁砲', 'とある科学の超電磁砲S', 'prefix')"
    ).fetchone() == ([[6, 10]],)
