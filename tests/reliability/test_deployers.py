"""Who may deploy, and where extensions may stand: told before anything is made, or it works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgjikan import migrations, sidecar
from pgjikan.server import EmbeddedServer
from pgjikan.settings import Settings
from tests.conftest import NO_DURABILITY
from tests.store.documents import full
from tests.store.test_store_anime import store, value

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedServer]:
    """A server of its own, as roles belong to a whole server."""
    with EmbeddedServer(folder / "data", options=NO_DURABILITY) as server:
        yield server


@pytest.fixture
def dba(server: EmbeddedServer) -> Iterator[Connection]:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        yield connection


def refusal(dsn: str) -> str:
    with pytest.raises(migrations.DeployError) as caught:
        migrations.deploy(dsn)
    return str(caught.value)


def hint_of(message: str) -> str:
    """The SQL of the server's hint, after its first words."""
    (line,) = [line for line in message.splitlines() if line.startswith("HINT: ")]
    return line.removeprefix("HINT: ").partition(": ")[2]


def test_roles_made_beforehand_and_extensions_in_a_schema_of_their_own(
    server: EmbeddedServer, dba: Connection
) -> None:
    """Neither CREATEROLE nor a search_path that names the extensions: the layout of Supabase."""
    dba.execute(
        "CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions;"
        " CREATE EXTENSION pg_trgm SCHEMA extensions"
    )
    dba.execute("CREATE ROLE deployer LOGIN; GRANT CREATE ON DATABASE pgjikan TO deployer")
    deployer = make_conninfo(server.dsn(), user="deployer")
    said = refusal(deployer)
    assert 'role "jikan_owner" is missing and deployer may not create it' in said
    roles, _, _ = hint_of(said).partition(" or give")
    dba.execute(roles.encode())

    said = refusal(deployer)
    assert 'jikan_owner may not use schema "extensions", where extension' in said
    assert said.startswith("schema/extensions: ")
    dba.execute(hint_of(said).encode())

    assert migrations.deploy(deployer) > 100
    with psycopg.connect(deployer, autocommit=True) as connection:
        connection.execute(
            "UPDATE jikan_sync.setting SET value = 'immediate'"
            " WHERE name = 'embedding_low_priority'"
        )
        titles = ["Paprika", "Perfect Blue", "Millennium Actress"]
        documents = [full(n, title=t, relations=[]) for n, t in enumerate(titles, 1)]
        store(connection, documents)
    dba.execute("CREATE ROLE app LOGIN IN ROLE anime_reader")
    dba.execute("CREATE ROLE worker LOGIN IN ROLE jikan_sidecar")
    worker = make_conninfo(server.dsn(), user="worker")
    app = psycopg.connect(make_conninfo(server.dsn(), user="app"), autocommit=True)
    with app:
        assert value(app, "SELECT title FROM anime.search('paprica')") == "Paprika"
        app.execute("SELECT anime.search_semantic('a film')")
        assert sidecar.run_once(["embedding"], worker, Settings(), Event()) >= 1
        for query in (
            "SELECT count(*) FROM anime.similar(1)",
            "SELECT count(*) FROM anime.recommend('{1}')",
        ):
            assert value(app, query) == 2, query
        rows = app.execute("SELECT match FROM anime.search_semantic('a film')").fetchall()
        assert {row[0] for row in rows} == {"semantic"}
    migrations.verify(deployer)
    migrations.revert(deployer)
    granted = (
        "SELECT nspacl::text LIKE '%%jikan_owner%%' FROM pg_namespace WHERE nspname = 'extensions'"
    )
    assert value(dba, granted) is True  # by the superuser, so not the deployer's to take


def test_a_second_deployer_in_the_cluster(server: EmbeddedServer, dba: Connection) -> None:
    for name in ("first", "second"):
        login, database = sql.Identifier(name), sql.Identifier(f"of_{name}")
        dba.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(login))
        dba.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, login))
        with psycopg.connect(server.dsn(f"of_{name}"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector; CREATE EXTENSION pg_trgm")
    first, second = (
        make_conninfo(server.dsn(f"of_{name}"), user=name) for name in ("first", "second")
    )
    assert migrations.deploy(first, to="schema/namespaces") == 3
    said = refusal(second)
    assert 'second is no member of role "jikan_owner" and may not become one' in said
    with psycopg.connect(first, autocommit=True) as connection:
        connection.execute(hint_of(said).encode())
    assert migrations.deploy(second, to="schema/namespaces") == 3
    assert migrations.verify(second) == 3
    comment = "SELECT shobj_description('jikan_owner'::regrole, 'pg_authid')"
    assert str(value(dba, comment)).startswith("Owns every object")
