"""The client against a server that is not ours: Prism, made from Jikan's own OpenAPI file.

Prism refuses requests that the file does not allow, so it tells whether we ask rightly; in its
dynamic mode it answers with whatever the file allows, which is far more than Jikan ever says.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from pgjikan.client import JikanClient
from pgjikan.db import connector
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from tests.jikan_paths import request_for
from tests.store.documents import anime

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

PACKAGE = "@stoplight/prism-cli"
VERSION = "5.14.2"  # the last for Node.js 20
FOLDER = Path(__file__).resolve().parents[2] / ".cache/prism"
TASKS: dict[str, dict[str, Any]] = {
    "anime": {"mal_id": 1},
    "search": {"query": "a & b"},
    "images": {"mal_id": 1, "facet": "images"},
    "reviews": {"mal_id": 1, "facet": "reviews", "page": 2},
    "season": {"year": 2024, "season": "fall", "page": 3},
    "catalogue": {"page": 2},
}


@pytest.fixture(scope="module")
def prism(shared: Path) -> Callable[..., Any]:
    """`with prism(*options) as url` serves a mock of Jikan."""
    installed = FOLDER / "node_modules" / PACKAGE / "package.json"
    if not installed.exists() or json.loads(installed.read_text())["version"] != VERSION:
        assert shutil.which("npm"), "needs npm to install Prism"
        FOLDER.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        wanted = ("--prefix", str(FOLDER), "--save-exact", f"{PACKAGE}@{VERSION}")
        subprocess.run(["npm", "install", *quiet, *wanted], check=True, timeout=500)

    @contextmanager
    def run(*options: str) -> Iterator[str]:
        program = FOLDER / "node_modules/.bin/prism"
        spec = str(shared / "jikan/openapi.json")
        words = [str(program), "mock", *options, "-h", "127.0.0.1", "-p", "0", spec]
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            try:
                said = next(line for line in process.stdout if "listening on" in line)
                yield said.split()[-1]
            finally:
                process.kill()

    return run


@pytest.fixture
def client() -> Iterator[JikanClient]:
    client = JikanClient()
    yield client
    client.close()


def test_every_request_is_one_that_the_file_allows(
    prism: Callable[..., Any], client: JikanClient
) -> None:
    with prism("--errors") as url:
        for season in ("now", "upcoming"):
            path = request_for("season", {"season": season})
            assert client.fetch(path, base_url=url).outcome == "ok", season
        for kind, payload in TASKS.items():
            got = client.fetch(request_for(kind, payload), base_url=url)
            assert (got.outcome, got.message) == ("ok", ""), kind
        wrong = client.fetch("/anime", {"status": "asleep"}, base_url=url)
        assert wrong.outcome == "rejected", "Prism should have noticed"
        assert client.fetch("/nowhere", base_url=url).outcome == "upstream_error"
        other = client.fetch_task("anime", "/anime/1/full", mal_id=1, base_url=url)
        assert (other.outcome, other.message) == ("invalid", "asked for mal_id 1, got 0")


def test_whatever_the_file_allows_is_stored_or_rejected(
    prism: Callable[..., Any],
    client: JikanClient,
    connection: psycopg.Connection[Any],
) -> None:
    stored = seen = 0
    with prism("--dynamic", "--seed", "pgjikan") as url:
        for _ in range(15):
            for kind, payload in TASKS.items():
                got = client.fetch(request_for(kind, payload), base_url=url)
                assert got.outcome in ("ok", "invalid"), got  # the file does not require data
                if got.body is None or kind in ("images", "reviews"):
                    continue
                row = connection.execute(
                    "SELECT r.* FROM jikan_sync.store_anime((%s::jsonb) -> 'data') AS r", [got.body]
                ).fetchone()
                assert row is not None
                seen += len(data) if isinstance(data := json.loads(got.body)["data"], list) else 1
                stored += sum(row)
    assert seen >= stored > 100


def test_the_sidecars_lane_works_off_its_tasks(
    prism: Callable[..., Any], database: str, connection: psycopg.Connection[Any]
) -> None:
    """The mock gives every title and review the id 0: where that matters it is found out.

    A wrong title is the provider's fault; a bad review costs its neighbours nothing.
    """
    connection.execute("UPDATE jikan_sync.provider SET per_second = NULL, per_minute = NULL")
    known = json.dumps([anime(1)])
    connection.execute("SELECT jikan_sync.store_anime(%s)", [known])
    connection.execute("DELETE FROM jikan_sync.queue")
    for task, payload in TASKS.items():
        connection.execute(
            "SELECT jikan_sync.enqueue(%s, %s, %s)",
            [
                "facet" if "facet" in payload else task,
                payload.get("mal_id"),
                json.dumps(payload | {"query_key": "a b"}),
            ],
        )
    with prism() as url:
        lane = JikanLane(connector(database, "prism"), Settings(jikan_url=url), Event(), "prism")
        for _ in TASKS:
            lane.step()
        lane.close()
    done = connection.execute(
        "SELECT task FROM jikan_sync.queue_history WHERE outcome = 'done' ORDER BY task"
    ).fetchall()
    left = connection.execute(
        "SELECT task, attempts, failures, errors ->> -1 FROM jikan_sync.queue"
        " WHERE task = ANY (%s) ORDER BY task",
        [list(TASKS)],
    ).fetchall()
    assert [task for (task,) in done] == ["catalogue", "facet", "search", "season"]
    assert [row[:3] for row in left] == [("anime", 0, 1)]
    assert "asked for mal_id 1, got 0" in left[0][3]
