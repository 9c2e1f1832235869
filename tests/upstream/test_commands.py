"""`pgjikan sync` and `pgjikan provider`, without a sidecar."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from pgjikan.cli import main
from pgjikan.simulator import Simulator

from .conftest import Database

SIDECAR = Path(__file__).resolve().parents[2] / "sidecar"


@dataclass(frozen=True)
class Result:
    """How a command ended and what it said."""

    returncode: str | int | None
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def environment(database: str, simulator: Simulator) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database,
        "PGJIKAN_JIKAN_URL": simulator.url,
        "PYTHONPATH": str(SIDECAR),
        "COLUMNS": "200",
    }


@pytest.fixture
def pgjikan(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Run]:
    """Run the command line here: `pgjikan("sync", "season", "--current")`."""
    monkeypatch.setattr(os, "environ", environment)

    def run(*words: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["pgjikan", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Result(end.value.code, said.out, said.err)

    yield run
    structlog.reset_defaults()


def _command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from pgjikan.cli import main; main()", *words]


def test_the_catalogue_is_opt_in(pgjikan: Run, simulator: Simulator) -> None:
    dry = pgjikan("sync", "catalogue", "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert "1,200 requests" in dry.stdout or "1,106 requests" in dry.stdout
    refused = pgjikan("sync", "catalogue")
    assert refused.returncode == 1
    assert "MyAnimeList's terms" in refused.stderr
    assert "--yes" in refused.stderr
    assert simulator.stats()["total"] == 0


def test_the_catalogue_then_details(pgjikan: Run, simulator: Simulator, live: Database) -> None:
    live.unlimited()
    done = pgjikan("sync", "catalogue", "--yes", "--details", "2")
    assert done.returncode == 0, done.stderr
    titles = simulator.stats()["titles"]
    assert f"catalogue: {titles} titles on 3 pages" in done.stdout
    assert "details: 2 stored" in done.stdout
    assert live.value("SELECT count(*) FROM jikan.anime") == titles
    again = pgjikan("sync", "catalogue", "--yes")
    assert "--again" in again.stdout
    assert simulator.stats()["total"] == 5
    pgjikan("sync", "catalogue", "--yes", "--again")
    assert simulator.stats()["total"] == 8


def test_seasons_and_titles(pgjikan: Run, simulator: Simulator, live: Database) -> None:
    live.unlimited()
    assert "season now: " in pgjikan("sync", "season", "--current").stdout
    assert "season 2024 fall: " in pgjikan("sync", "season", "2024", "fall").stdout
    assert pgjikan("sync", "season", "2024").returncode == 1
    assert pgjikan("sync", "season", "2024", "fall", "--current").returncode == 1
    done = pgjikan("sync", "anime", "1", "5", "1", "99999999")
    assert "details: 2 stored, 1 unknown upstream, 0 given up" in done.stdout
    assert done.returncode == 1  # not all that was asked for came
    assert pgjikan("sync", "anime", "1", "5").returncode == 0
    assert live.value("SELECT count(*) FROM jikan.anime AS a WHERE a.is_full") == 2


def test_what_a_machine_reads(pgjikan: Run, simulator: Simulator, live: Database) -> None:
    live.unlimited()
    dry = json.loads(pgjikan("sync", "catalogue", "--dry-run", "--json").stdout)
    assert dry["request_count"] >= dry["page_count"] > 1 and dry["provider"] == "tenrai"
    done = json.loads(pgjikan("sync", "catalogue", "--yes", "--details", "1", "--json").stdout)
    titles = simulator.stats()["titles"]
    assert (done["catalogue"]["titles"], done["catalogue"]["walked"]) == (titles, True)
    assert done["details"] == {"stored": 1, "missing": 0, "given_up": 0}
    again = json.loads(pgjikan("sync", "catalogue", "--yes", "--json").stdout)
    assert again["catalogue"]["walked"] is False
    season = json.loads(pgjikan("sync", "season", "2024", "fall", "--json").stdout)
    assert season["list"] == "season 2024 fall" and season["pages"] >= 1
    some = pgjikan("sync", "anime", "1", "99999999", "--json")
    assert json.loads(some.stdout) == {"stored": 1, "missing": 1, "given_up": 0}
    assert some.returncode == 1
    tried = json.loads(pgjikan("provider", "test", "tenrai", "--json").stdout)
    assert (tried["provider"], tried["outcome"]) == ("tenrai", "ok")
    run = json.loads(pgjikan("job", "run", "sweep_leases", "--json").stdout)
    assert run == {"job": "sweep_leases", "outcome": "ok"}
    assert json.loads(pgjikan("queue", "redrive", "--json").stdout) == {"redriven": 0}
    assert json.loads(pgjikan("get", "1", "--json").stdout)["mal_id"] == 1


def test_an_interrupted_walk_goes_on_at_its_page(
    environment: dict[str, str], pgjikan: Run, simulator: Simulator, live: Database
) -> None:
    live.run("UPDATE jikan_sync.provider SET per_second = NULL, per_minute = 20")
    with subprocess.Popen(
        _command("sync", "catalogue", "--yes"),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while simulator.stats()["total"] == 0:
            time.sleep(0.02)
        while not live.value("SELECT sum(r.page_count) FROM jikan_sync.sync_run AS r"):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "stopped after page 1" in said
    assert live.value("SELECT count(*) FROM jikan_sync.queue WHERE lease_token IS NOT NULL") == 0
    live.unlimited()
    assert pgjikan("sync", "catalogue", "--yes").returncode == 0
    pages = [r["query"] for r in simulator.stats()["requests"]]
    assert len(pages) == len(set(pages)) == 3


def test_providers_are_listed_set_and_tested(
    pgjikan: Run, simulator: Simulator, live: Database
) -> None:
    listed = json.loads(pgjikan("provider", "list", "--json").stdout)
    assert [(row["name"], row["enabled"]) for row in listed] == [("tenrai", True), ("jikan", False)]
    assert "tenrai: ok" in pgjikan("provider", "test", "tenrai").stdout
    assert simulator.stats()["total"] == 1
    pgjikan("provider", "set", "jikan", "--url", simulator.url, "--per-minute", "30")
    pgjikan("provider", "enable", "jikan")
    pgjikan("provider", "disable", "tenrai")
    assert "tenrai" in pgjikan("provider", "list").stdout
    live.run(
        "SELECT jikan_sync.report_request('jikan', 'upstream_error', 'anime', 'a:' || n, 500)"
        " FROM generate_series(1, 6) AS n"
    )
    broken = pgjikan("provider", "list").stdout
    assert "jikan last failed with upstream_error 500 at 20" in broken
    assert ", is asked again at 20" in broken
    assert "its breaker is open until 20" in pgjikan("provider", "test", "jikan").stderr
    rows = live.rows(
        "SELECT p.name, p.enabled, p.per_minute FROM jikan_sync.provider AS p ORDER BY p.rank"
    )
    assert rows == [("tenrai", False, 60), ("jikan", True, 30)]
    for words in (
        ("set", "jikan", "--url", "https://me:secret@127.0.0.1/v4"),
        ("enable", "nobody"),
        ("test", "nobody"),
    ):
        refused = pgjikan("provider", *words)
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        assert "hint" in refused.stderr
