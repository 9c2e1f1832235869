"""A server key: its limits hold, its header goes out, and it is nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from pgjikan.jikan_lane import JikanLane
from pgjikan.simulator import Simulator

from .conftest import Database

KEY = "k3y-that-nobody-sees"


def allowed(db: Database) -> int:
    return int(
        db.value(
            "SELECT r.allowed FROM jikan_sync.rate_limit AS r"
            " WHERE r.subject = 'provider:tenrai' AND r.period = '1 minute'"
        )
    )


def test_the_lane_tells_that_it_has_a_key_and_not_which(
    db: Database,
    simulator: Simulator,
    open_lane: Callable[..., JikanLane],
    capsys: pytest.CaptureFixture[str],
) -> None:
    db.run("SELECT jikan_sync.enqueue_many('anime', '{1}')")
    open_lane(simulator.url, server_keys={"tenrai": SecretStr(KEY)}).step()
    assert allowed(db) == 300
    dump = db.rows("SELECT to_jsonb(t)::text FROM jikan_sync.provider AS t")
    dump += db.rows("SELECT to_jsonb(t)::text FROM jikan_sync.queue_history AS t")
    assert KEY not in str(dump) + capsys.readouterr().out

    open_lane(simulator.url).step()
    assert allowed(db) == 60
