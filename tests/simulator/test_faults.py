"""Every fault, seen through the client; and when faults strike."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from pgjikan.client import JikanClient
from pgjikan.simulator import Simulator
from pgjikan.simulator.faults import KINDS, STORM, Fault, FaultPlan
from tests.jikan_paths import request_for

ONE = ("anime", request_for("anime", {"mal_id": 1}))
LIST = ("catalogue", request_for("catalogue", {"page": 2}))
OUTCOMES = {
    "403": "upstream_error",
    "404": "not_found",
    "410": "upstream_error",
    "429": "rate_limited",
    "429_int": "rate_limited",
    "500": "upstream_error",
    "503": "upstream_error",
    "504": "upstream_error",
    "html_502": "upstream_error",
    "html": "invalid",
    "empty_body": "invalid",
    "error_200": "invalid",
    "limit_200": "rate_limited",
    "half_json": "invalid",
    "dirty_text": "ok",
    "not_a_number": "invalid",
    "wrong_id": "invalid",
    "wrong_types": "invalid",
    "empty": "invalid",
    "duplicate": "ok",
    "shift": "ok",
    "stale_list": "ok",
    "redirect": "upstream_error",
    "timeout": "transport_error",
    "reset": "transport_error",
    "truncated": "transport_error",
    "slow": "transport_error",
    "slow_headers": "transport_error",
    "huge": "invalid",
    "gzip_bomb": "invalid",
}
LIST_OUTCOMES = {"wrong_id": "ok", "wrong_types": "ok", "empty": "ok"}


def test_the_table_is_complete() -> None:
    assert OUTCOMES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault(simulator: Simulator, kind: str) -> None:
    hangs = OUTCOMES[kind] == "transport_error"
    client = JikanClient(deadline=0.2 if hangs else 10, max_bytes=1_000_000)
    simulator.fault(kind, next=2, size=3_000_000, retry_after="7")
    one = client.fetch_task(*ONE, mal_id=1, base_url=simulator.url)
    many = client.fetch_task(*LIST, base_url=simulator.url)
    client.close()
    assert one.outcome == OUTCOMES[kind], one
    assert many.outcome == LIST_OUTCOMES.get(kind, OUTCOMES[kind]), many
    assert one.retry_after_seconds == (7.0 if kind in {"429", "429_int", "503"} else None)
    stats = simulator.stats()
    assert stats["faults"] == {kind: 2}
    assert stats["by_kind"] == {"full": 1, "catalogue": 1}
    assert stats["redirects_followed"] == 0


def rows(client: JikanClient, simulator: Simulator, **payload: Any) -> list[dict[str, Any]]:
    got = client.fetch_task("catalogue", request_for("catalogue", payload), base_url=simulator.url)
    assert got.body is not None, got
    data = json.loads(got.body)["data"]
    assert isinstance(data, list)
    return data


def test_faults_of_content_do_what_they_say(simulator: Simulator, client: JikanClient) -> None:
    honest = rows(client, simulator, page=2)
    before = rows(client, simulator, page=1)

    def spoilt(kind: str) -> list[dict[str, Any]]:
        simulator.fault(kind, next=1)
        return rows(client, simulator, page=2)

    assert [r["mal_id"] for r in spoilt("duplicate")] == [
        honest[0]["mal_id"],
        *(r["mal_id"] for r in honest),
    ]
    assert [r["mal_id"] for r in spoilt("shift")] == [
        before[-1]["mal_id"],
        *(r["mal_id"] for r in honest[:-1]),
    ]
    assert spoilt("stale_list")[0]["members"] < honest[0]["members"]
    assert spoilt("wrong_id")[0]["mal_id"] == honest[0]["mal_id"] + 1
    assert spoilt("wrong_types")[0]["titles"] == "not a list"
    assert spoilt("empty") == []
    assert spoilt("dirty_text")[0]["title"].startswith("\ufffd\ufffd \ufffd")
    assert rows(client, simulator, page=2) == honest


def strikes(plan: FaultPlan, path: str, count: int) -> list[bool]:
    return [plan.pick(path) is not None for _ in range(count)]


def test_next_skip_and_path() -> None:
    plan = FaultPlan()
    plan.add(Fault("500", path="/anime/*/full", skip=1, next=2))
    assert strikes(plan, "/anime/1", 3) == [False] * 3
    assert strikes(plan, "/anime/1/full", 5) == [False, True, True, False, False]


def test_the_first_that_strikes_is_the_one() -> None:
    plan = FaultPlan()
    plan.add(Fault("429", next=1))
    plan.add(Fault("500"))
    assert [fault.kind for _ in range(3) if (fault := plan.pick("/anime"))] == ["429", "500", "500"]
    plan.clear()
    assert plan.pick("/anime") is None


def test_a_rate_is_a_share_and_a_seed_replays_it() -> None:
    def run(seed: int) -> list[bool]:
        plan = FaultPlan(seed)
        plan.add(Fault("500", rate=0.25))
        return strikes(plan, "/anime", 1000)

    assert 200 < sum(run(1)) < 300
    assert run(1) == run(1) != run(2)


def test_a_storm_brings_every_fault() -> None:
    plan = FaultPlan()
    plan.add(Fault(STORM, rate=0.9))
    seen = Counter(fault.kind for _ in range(3000) if (fault := plan.pick("/anime")))
    assert seen.keys() == KINDS.keys()
    assert plan.struck == seen


def test_client_and_simulator_live_through_a_storm(simulator: Simulator) -> None:
    simulator.fault(STORM, rate=0.9, size=3_000_000)
    client = JikanClient(deadline=0.1, max_bytes=1_000_000)

    def ask(number: int) -> str:
        task = (ONE, LIST)[number % 2]
        return client.fetch_task(*task, mal_id=1, base_url=simulator.url).outcome

    with ThreadPoolExecutor(4) as threads:
        outcomes = Counter(threads.map(ask, range(200)))
    assert outcomes.keys() <= set(OUTCOMES.values())
    assert len(outcomes) >= 5
    simulator.clear_faults()
    client.close()
    with closing(JikanClient()) as calm:
        assert calm.fetch_task(*ONE, mal_id=1, base_url=simulator.url).outcome == "ok"
    assert simulator.stats()["total"] == 201


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("429", Fault("429")),
        ("429,rate=0.1,retry_after=2", Fault("429", rate=0.1, retry_after="2")),
        ("timeout, path=/anime/*, next=3", Fault("timeout", path="/anime/*", next=3)),
        ("slow,delay=1.5", Fault("slow", delay=1.5)),
        ("huge,size=10,skip=2", Fault("huge", size=10, skip=2)),
    ],
)
def test_parse(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize("text", ["", "418", "429,often=1", "429,rate=2", "429,next=x", "429,rate"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        Fault.parse(text)
