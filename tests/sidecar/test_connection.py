"""What a user names in the connection string or in PGOPTIONS wins; nothing else is given up."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgjikan import db
from pgjikan.connection import connect, is_lent
from pgjikan.session import Session
from pgjikan.settings import with_application_name
from tests.store.test_store_anime import value

OURS = {"statement_timeout": "1min", "idle_in_transaction_session_timeout": "1min"}


@pytest.mark.parametrize("place", ["the DSN", "PGOPTIONS"])
@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("", {}),
        ("-c work_mem=7MB", {"work_mem": "7MB"}),
        ("-c statement_timeout=5s -c work_mem=7MB", {"statement_timeout": "5s", "work_mem": "7MB"}),
        ("-c statement_timeout=0", {"statement_timeout": "0"}),
    ],
)
def test_options_of_the_user(
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    options: str,
    changed: dict[str, str],
) -> None:
    dsn = database
    if place == "PGOPTIONS":
        monkeypatch.setenv("PGOPTIONS", options)
    elif options:
        dsn = make_conninfo(database, options=options)
    with db.connector(dsn, "a sidecar")() as connection:
        for name, wanted in (OURS | changed).items():
            assert value(connection, f"SHOW {name}") == wanted, name
        assert value(connection, "SHOW application_name") == "a sidecar"


def test_a_direct_connection_is_not_lent(database: str) -> None:
    with connect(database, "test") as connection:
        assert not is_lent(connection, lambda: connect(database, "other"))
        assert connection.prepare_threshold == 5


@pytest.mark.parametrize(
    ("dsn", "wanted"),
    [
        ("host=a,b", "read-write"),
        ("postgresql://a,b:5433/db", "read-write"),
        ("hostaddr=127.0.0.1,127.0.0.2", "read-write"),
        ("host=a,b target_session_attrs=any", "any"),
        ("postgresql://a,b/db?target_session_attrs=standby", "standby"),
        ("host=a", None),
        ("", None),
    ],
)
def test_of_several_hosts_the_primary_is_meant(dsn: str, wanted: str | None) -> None:
    found = conninfo_to_dict(with_application_name(dsn, "test"))
    assert found.get("target_session_attrs") == wanted
    assert found["connect_timeout"] == ("10" if wanted is None else "3")


def test_of_several_hosts_in_the_environment_the_primary_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOST", "a,b")
    assert "read-write" in with_application_name("dbname=x", "test")
    assert "target_session_attrs" not in with_application_name("host=a", "test")
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "any")
    assert "target_session_attrs" not in with_application_name("", "test")


def test_who_is_told_that_a_server_only_reads_looks_for_another(database: str) -> None:
    """A primary that became a standby keeps its sessions; what it cannot do another can."""
    session = Session(db.connector(database, "test"))
    first = session.open()
    first.execute("SET default_transaction_read_only = on")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        session.call(lambda c: c.execute("CREATE TABLE a ()"))
    assert session.open() is not first
    session.call(lambda c: c.execute("CREATE TABLE a ()"))
    session.close()
