"""What a scrape says, and what the health checks answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from pgjikan import metrics

Connection = psycopg.Connection[Any]
NOWHERE = "host=127.0.0.1 port=9 dbname=nothing connect_timeout=2"


@contextmanager
def serving(dsn: str) -> Iterator[Callable[[str], tuple[int, str]]]:
    server = metrics.serve("127.0.0.1", 0, dsn)

    def get(path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    try:
        yield get
    finally:
        server.shutdown()
        server.server_close()


def scrape(dsn: str) -> dict[str, Metric]:
    with serving(dsn) as get:
        status, page = get("/metrics")
    assert status == 200
    return {family.name: family for family in text_string_to_metric_families(page)}


def samples(family: Metric) -> dict[frozenset[tuple[str, str]], float]:
    return {frozenset(sample.labels.items()): sample.value for sample in family.samples}


def test_a_scrape_tells_what_is(busy: Connection, database: str) -> None:
    found = scrape(database)
    assert samples(found["pgjikan_up"]) == {frozenset(): 1}
    assert samples(found["pgjikan_anime"]) == {frozenset(): 1}
    lane = {("lane", "jikan"), ("state", "ready")}
    queue = samples(found["pgjikan_queue_tasks"])
    assert queue[frozenset(lane | {("priority", "high")})] == 1
    assert queue[frozenset(lane | {("priority", "low")})] == 1
    request = frozenset({("provider", "tenrai"), ("outcome", "ok")})
    assert samples(found["pgjikan_requests"])[request] == 1
    assert samples(found["pgjikan_request_seconds"])[request] == 0.25
    assert samples(found["pgjikan_request_bytes"])[request] == 1000
    coverage = found["pgjikan_embedding_coverage_ratio"].samples
    assert [sample.value for sample in coverage] == [1]


def test_every_family_is_named_typed_and_explained(busy: Connection, database: str) -> None:
    ours = {name: f for name, f in scrape(database).items() if name.startswith("pgjikan_")}
    assert len(ours) > 25
    for name, family in ours.items():
        assert re.fullmatch(r"pgjikan_[a-z_]+", name)
        assert family.documentation.endswith("."), name
        assert family.type in {"counter", "gauge", "histogram"}, name
        for sample in family.samples:
            # The label sets stay small: no ids, no queries, no time.
            assert set(sample.labels) <= {
                *("facet", "freshness", "lane", "priority", "state", "task", "outcome"),
                *("provider", "keyed", "subject", "model", "status", "name", "le"),
                *("resource", "cache"),
            }, name
    assert ours["pgjikan_requests"].type == "counter"
    assert ours["pgjikan_queue_tasks"].type == "gauge"


def test_every_series_appears_once(busy: Connection) -> None:
    twice = busy.execute(
        "SELECT name, labels FROM jikan_sync.metric() GROUP BY name, labels HAVING count(*) > 1"
    ).fetchall()
    assert twice == []


def test_a_scrape_without_a_database_says_so() -> None:
    found = scrape(NOWHERE)
    assert samples(found["pgjikan_up"]) == {frozenset(): 0}
    assert "pgjikan_anime" not in found


def test_alive_is_not_ready(database: str, empty_database: str) -> None:
    with serving(database) as get:
        assert get("/healthz") == (200, "ok\n")
        assert get("/readyz") == (200, "ok\n")
    with serving(empty_database) as get:
        assert get("/healthz")[0] == 200
        assert get("/readyz") == (503, "the schema is not deployed: pgjikan deploy\n")
    with serving(NOWHERE) as get:
        assert get("/healthz")[0] == 200
        assert get("/readyz") == (503, "the database does not answer\n")


def test_the_sidecars_role_may_scrape(busy: Connection, connect: Callable[..., Connection]) -> None:
    row = (
        connect(role="jikan_sidecar")
        .execute("SELECT count(*) > 20 FROM jikan_sync.metric()")
        .fetchone()
    )
    assert row == (True,)
