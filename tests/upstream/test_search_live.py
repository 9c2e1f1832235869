"""Searching live: an app waits for the sidecar, and only as long as it said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from pgjikan.jikan_lane import JikanLane
from pgjikan.simulator import Simulator
from tests.conftest import READERS, Simulate
from tests.simulator.titles import titles

from .conftest import Database

Connect = Callable[..., psycopg.Connection[Any]]


def search(connection: psycopg.Connection[Any], query: str, wait: str = "20 s", **more: Any) -> Any:
    row = connection.execute(
        "CALL anime.search_live(%s, NULL, %s, max_rows => %s)",
        [query, wait, more.get("max_rows", 20)],
    ).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def reader(connect: Connect) -> psycopg.Connection[Any]:
    return connect(role="anime_reader")


@pytest.fixture
def simulator(simulate: Simulate) -> Iterator[Simulator]:
    """One that can be told of new titles."""
    with simulate(titles()) as jikan:
        yield jikan


@pytest.fixture
def sidecar(open_lane: Callable[..., JikanLane], simulator: Simulator) -> Iterator[Simulator]:
    """A lane that works in the background; the simulator it asks."""
    stop = Event()
    lane = open_lane(simulator.url, stop)

    def work() -> None:
        while not stop.is_set():
            if not lane.step():
                stop.wait(0.01)

    thread = Thread(target=work)
    thread.start()
    yield simulator
    stop.set()
    thread.join()


def test_what_the_database_lacks_is_fetched(
    reader: psycopg.Connection[Any], sidecar: Simulator, live: Database
) -> None:
    sidecar.add({"mal_id": 900001, "title": "Zyxwvut no Tabi"})
    got = search(reader, "zyxwvut no tabi")
    assert got["upstream"] == "fetched"
    assert got["query"] == "zyxwvut no tabi"
    assert [row["mal_id"] for row in got["results"]] == [900001]
    again = search(reader, "Zyxwvut no Tabi")
    assert again["upstream"] == "hit"
    assert again["results"][0]["mal_id"] == 900001
    assert sidecar.stats()["by_kind"] == {"search": 1}


def test_words_that_do_not_match_are_learned(
    reader: psycopg.Connection[Any], sidecar: Simulator, live: Database
) -> None:
    live.run("SELECT jikan_sync.learn_search('that space western', '{900002}')")
    live.run('SELECT jikan_sync.store_anime(\'[{"mal_id": 900002, "title": "Cowboys"}]\'::jsonb)')
    got = search(reader, "That space western!")
    assert (got["upstream"], got["results"][0]["match"]) == ("hit", "upstream")
    assert sidecar.stats()["total"] == 0


def test_nothing_found_is_an_answer(reader: psycopg.Connection[Any], sidecar: Simulator) -> None:
    for expected in ("fetched", "hit"):
        got = search(reader, "qqqqq wwwww")
        assert (got["upstream"], got["results"]) == (expected, [])
    assert sidecar.stats()["total"] == 1


def test_twenty_wait_for_one_request(connect: Connect, sidecar: Simulator, live: Database) -> None:
    sidecar.add({"mal_id": 900001, "title": "Zyxwvut no Tabi"})
    readers = [connect(role="anime_reader") for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda r: search(r, "zyxwvut no tabi"), readers))
    assert {answer["upstream"] for answer in answers} <= {"fetched", "hit"}
    assert all(answer["results"][0]["mal_id"] == 900001 for answer in answers)
    assert sidecar.stats()["total"] == 1


def test_an_answer_between_the_search_and_the_look_at_its_state_is_shown(
    connect: Connect, reader: psycopg.Connection[Any], live: Database
) -> None:
    reader.execute("SELECT anime.search('zyxwvut no tabi')")
    gate = connect(autocommit=False)
    gate.execute("LOCK TABLE jikan_sync.wish IN ACCESS EXCLUSIVE MODE")
    late = connect(role="anime_reader")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(search, late, "zyxwvut no tabi")
        live.wait_until_blocked(late.info.backend_pid)
        live.run(
            "SELECT jikan_sync.store_anime("
            '\'[{"mal_id": 900001, "title": "Zyxwvut no Tabi"}]\'::jsonb)'
        )
        live.run("SELECT jikan_sync.learn_search('zyxwvut no tabi', '{900001}')")
        gate.rollback()
        got = answer.result()
    # Where the look at the state has the snapshot of the search, the answer counts as waited for.
    assert got["upstream"] == ("hit" if READERS == "read committed" else "fetched")
    assert [row["mal_id"] for row in got["results"]] == [900001]


def test_without_a_sidecar_the_wait_ends(reader: psycopg.Connection[Any], live: Database) -> None:
    got = search(reader, "cowboy bebop", "0.2 s")
    assert (got["upstream"], got["results"]) == ("pending", [])
    assert got["elapsed_ms"] >= 200
    assert live.value("SELECT count(*) FROM jikan_sync.wish") == 1


def test_with_every_provider_down_nobody_waits(
    reader: psycopg.Connection[Any], live: Database
) -> None:
    for number in range(5):
        live.report("transport_error", f"anime:{number}")
    got = search(reader, "cowboy bebop")
    assert got["upstream"] == "unavailable"
    assert got["elapsed_ms"] < 15_000, "did not wait its 20 s"


def test_an_outage_ends_the_wait(
    reader: psycopg.Connection[Any], sidecar: Simulator, live: Database
) -> None:
    sidecar.fault("504")
    got = search(reader, "cowboy bebop")
    assert got["upstream"] == "unavailable"
    assert got["elapsed_ms"] < 15_000


def test_inside_a_transaction_it_warns_and_does_not_wait(connect: Connect) -> None:
    reader = connect(role="anime_reader", autocommit=False)
    said: list[str] = []
    reader.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
    got = search(reader, "cowboy bebop")
    assert got["upstream"] == "pending"
    assert said == ["anime.search_live cannot wait inside a transaction"]
    assert got["elapsed_ms"] < 15_000
    reader.commit()


@pytest.mark.parametrize("wait", ["-1 s", "61 s", None])
def test_a_wait_out_of_range_is_refused(reader: psycopg.Connection[Any], wait: str | None) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="1 minute"):
        reader.execute("CALL anime.search_live('cowboy', NULL, %s)", [wait])
