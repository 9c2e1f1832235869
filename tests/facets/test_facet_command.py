"""`pgjikan facet` and the dashboard know of facets what the registry says, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from pgjikan.cli import app
from pgjikan.dashboard.questions import PULSE
from pgjikan.errors import PgjikanError
from tests.store.documents import anime

Connection = psycopg.Connection[Any]


def facet(database: str, *words: str) -> Any:
    done = CliRunner().invoke(app, ["facet", *words, "--json", "--dsn", database])
    if isinstance(done.exception, PgjikanError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_facet_of_tomorrow_is_there_too(database: str, connection: Connection) -> None:
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps([anime(1)])])
    connection.execute(
        "INSERT INTO jikan_sync.facet (name, position, path, description)"
        " VALUES ('forum', 20, '/anime/{id}/forum', 'Topics.')"
    )
    ages = {row["facet"]: row["state"] for row in facet(database, "1")}
    assert (ages["core"], ages["forum"]) == ("fresh", "never")
    with pytest.raises(PgjikanError, match="forum of 1 is not in the database yet"):
        facet(database, "1", "forum")
    assert connection.execute("SELECT facet, priority FROM jikan_sync.wish").fetchall()[-1] == (
        "forum",
        "high",
    )
    connection.execute("SELECT jikan_sync.store_facet('forum', 1, '{\"data\": [5]}')")
    found = facet(database, "1", "forum")
    assert (found["data"], found["freshness"]) == ([5], "fresh")
    shown = connection.execute(PULSE["facets"].encode())
    names = [column.name for column in shown.description or ()]
    assert "forum" in [dict(zip(names, row, strict=True))["facet"] for row in shown.fetchall()]


def test_one_that_is_none_is_refused(database: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
        done = CliRunner().invoke(app, ["facet", "1", "nonsense", "--dsn", database])
        assert done.exception is not None
        raise done.exception
    assert "characters" in (refused.value.diag.message_hint or "")
