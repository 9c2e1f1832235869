"""Each check of `make chaos` is quiet on a sound database and finds what it is there to find."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from tests.chaos import invariants
from tests.chaos.evidence import Evidence, Life, Paid, Window, Wish
from tests.chaos.faults import explained
from tests.chaos.schedule import UPSTREAM_FAULTS, schedule
from tests.chaos.watch import SWEEPS, Watch
from tests.embedders.gemini_server import FAILURES, vector_of
from tests.store.documents import anime
from tests.store.test_store_anime import store, value

Connection = psycopg.Connection[Any]
LIMIT = Window("jikan", 3, 1.0)


@pytest.fixture
def sound(connection: Connection) -> Connection:
    """Two titles in state 7, each with the vector of its text; a task done and a task dead."""
    connection.execute(invariants.WITNESS.encode())
    store(connection, [anime(number, title=f"Title {number}", members=7) for number in (1, 2)])
    connection.execute("DELETE FROM jikan_sync.queue")
    for anime_id, text, dimensions in connection.execute(
        "SELECT a.id, jikan_sync.embedding_input(a), m.dimensions"
        " FROM jikan.anime AS a CROSS JOIN jikan.embedding_model AS m"
    ).fetchall():
        connection.execute(
            "INSERT INTO jikan.embedding (model_id, anime_id, input_hash, embedding, embedded_at)"
            " SELECT m.id, %s, md5(%s)::uuid, %s::halfvec, now() FROM jikan.embedding_model AS m",
            [anime_id, text, str(unit(vector_of(text, dimensions)))],
        )
    connection.execute("SELECT jikan_sync.enqueue_many('anime', '{1}')")
    connection.execute(
        "SELECT jikan_sync.complete(c.id, c.lease_token) FROM jikan_sync.claim('w', 'jikan') AS c"
    )
    return connection


def unit(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(number * number for number in vector))
    return [number / length for number in vector]


def evidence(**changes: Any) -> Evidence:
    """What a run without a fault leaves behind."""
    known: dict[str, Any] = {
        "wishes": [Wish("anime:1", 0)],
        "states": {1: 7, 2: 7},
        "lives": [Life(0, 10.0, 20.0, was_killed=True, exit_code=-9), Life(1, 20.0, 30.0)],
        "paid": [Paid(11.0, 0, ("a", "b")), Paid(12.0, 1, ("c",))],
        "arrivals": {"jikan": [1.0, 1.1, 1.2, 2.1]},
        "windows": [LIMIT],
    }
    return Evidence(**(known | changes))


def test_a_sound_run_violates_nothing(sound: Connection) -> None:
    found = {name: check(sound, evidence()) for name, check in invariants.CHECKS.items()}
    assert found == {name: [] for name in invariants.CHECKS}


DEAD = (
    "INSERT INTO jikan_sync.dead_letter (id, task, mal_id, payload, priority, dedupe_key,"
    " created_at, died_at, attempts, reason, message, errors)"
    " VALUES (9, 'anime', 5, '{}', 'low', 'anime:5', now(), now(), 1, 'row', %s, %s)"
)


@pytest.mark.parametrize(
    ("check", "harm"),
    [
        ("unfinished_tasks", "SELECT jikan_sync.enqueue('anime', 1)"),
        ("unfinished_tasks", "DELETE FROM jikan_sync.queue_history"),
        (
            "unfinished_tasks",
            "SELECT jikan_sync.start_sync_run('catalogue'); DELETE FROM jikan_sync.queue",
        ),
        ("unfinished_tasks", DEAD % ("''", "'[{}]'")),
        ("unfinished_tasks", DEAD % ("'no'", "'[]'")),
        (
            "anime_twice",
            "ALTER TABLE jikan.anime DROP CONSTRAINT anime_mal_id_key;"
            " UPDATE jikan.anime SET mal_id = 1",
        ),
        ("anime_twice", "DELETE FROM jikan.anime WHERE mal_id = 1"),
        ("anime_twice", "UPDATE jikan.anime SET mal_id = 3 WHERE mal_id = 2"),
        ("wrong_vectors", "UPDATE jikan.anime SET synopsis = 'Other.' WHERE mal_id = 1"),
        ("wrong_vectors", "DELETE FROM jikan.embedding WHERE anime_id = 1"),
        (
            "wrong_vectors",
            "UPDATE jikan.embedding AS e SET embedding = o.embedding"
            " FROM jikan.embedding AS o WHERE o.anime_id <> e.anime_id",
        ),
        ("overwritten_states", "UPDATE jikan.anime SET members = 6 WHERE mal_id = 1"),
        (
            "overwritten_states",
            "UPDATE jikan.anime SET members = 6; UPDATE jikan.anime SET members = 7",
        ),
    ],
)
def test_a_harmed_database_is_found(sound: Connection, check: str, harm: str) -> None:
    sound.execute(harm.encode())
    assert getattr(invariants, check)(sound, evidence())


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("unfinished_tasks", {"wishes": [Wish("anime:1", 10_000)]}),
        ("unfinished_tasks", {"wishes": [Wish("search:never done", 0)]}),
        ("overwritten_states", {"states": {1: 7, 2: 8}}),
        ("limits_exceeded", {"arrivals": {"jikan": [1.0, 1.1, 1.2, 1.99]}}),
        (
            "limits_exceeded",
            {"arrivals": {"jikan": [n / 10 for n in range(7)]}, "jumps": [0.3]},
        ),
        # Twice by one that was killed once; and once by one that was not.
        ("paid_twice", {"paid": [Paid(at, 0, ("a",)) for at in (11.0, 12.0, 13.0)]}),
        ("paid_twice", {"paid": [Paid(21.0, 1, ("a",)), Paid(22.0, 0, ("a", "b"))]}),
        ("deaths_of_their_own", {"lives": [Life(0, 1.0, 2.0, exit_code=1)]}),
        ("paid_twice", {"paid": [Paid(21.0, 1, ("a",), 0.3), Paid(22.0, 0, ("a", "b"))]}),
        ("complaints", {"complaints": ["XX000 ERROR:  cache lookup failed"]}),
        ("leases_of_the_dead", {"bad_leases": [{"id": 1}]}),
    ],
)
def test_harmful_evidence_is_found(sound: Connection, check: str, changes: dict[str, Any]) -> None:
    assert getattr(invariants, check)(sound, evidence(**changes))


def test_what_a_kill_or_a_jump_may_cost_is_no_violation(sound: Connection) -> None:
    once_more = [Paid(11.0, 0, ("a", "b")), Paid(21.0, 1, ("a",)), Paid(22.0, 1, ("b",))]
    assert invariants.paid_twice(sound, evidence(paid=once_more)) == []
    living = [Paid(21.0, 1, ("a",)), Paid(22.0, 0, ("a",))]
    assert invariants.paid_twice(sound, evidence(paid=living, jumps=[21.5])) == []
    for began, found in ((21.5, 0), (50.0, 1)):
        weather = [("bug 1.00", began, began + 1)]
        assert len(invariants.paid_twice(sound, evidence(paid=living, weather=weather))) == found
    slow = [Paid(21.0, 1, ("a",), answered_after=1.9), Paid(22.0, 0, ("a",))]
    assert invariants.paid_twice(sound, evidence(paid=slow)) == []
    burst = {"jikan": [n / 10 for n in range(6)]}
    assert invariants.limits_exceeded(sound, evidence(arrivals=burst, jumps=[0.3])) == []


def test_a_lease_that_outlives_its_sweeps_is_noted(sound: Connection) -> None:
    sound.execute("SELECT jikan_sync.enqueue('anime', 1)")
    sound.execute("SELECT jikan_sync.claim('the dead', 'jikan')")
    seen = evidence()
    watch = Watch(SimpleNamespace(evidence=seen))  # type: ignore[arg-type]
    look(watch, sound)
    assert seen.bad_leases == []
    sound.execute("UPDATE jikan_sync.queue SET lease_expires_at = now() - interval '1 second'")
    for _ in range(SWEEPS):
        look(watch, sound, was_swept=False)
    assert seen.bad_leases == [], "no sweep came to its end"
    for _ in range(SWEEPS - 1):
        look(watch, sound)
    assert seen.bad_leases == []
    look(watch, sound)
    assert [lease["leased_by"] for lease in seen.bad_leases] == ["the dead"]
    sound.execute("UPDATE jikan_sync.queue SET lease_expires_at = now() + interval '1 day'")
    look(watch, sound)
    assert len(seen.bad_leases) == 2, "longer than its term"


def look(watch: Watch, connection: Connection, *, was_swept: bool = True) -> None:
    watch.judge(watch.leases(connection), was_swept=was_swept)


@pytest.mark.parametrize(("sqlstate", "found"), [("53100", 0), ("XX000", 1)])
def test_a_job_that_fails_for_no_fault_of_the_stage_is_found(
    sound: Connection, sqlstate: str, found: int
) -> None:
    sound.execute(
        "INSERT INTO jikan_sync.job_run (job_name, started_at, duration, outcome, sqlstate,"
        " message) VALUES ('sweep_leases', now(), '1 s', 'failed', %s, 'it failed')",
        [sqlstate],
    )
    assert len(invariants.complaints(sound, evidence())) == found


def test_the_plan_is_the_seeds() -> None:
    assert schedule(7, 60) == schedule(7, 60) != schedule(8, 60)
    plan = schedule(7, 60)
    assert len(plan.kills) == 60
    assert len({weather.kind for front in plan.fronts for weather in front}) == 14
    assert schedule(7, 30).kills == plan.kills[:30]


def test_only_what_faults_look_like_is_explained() -> None:
    assert explained("2026 UTC [7] 57P01 FATAL:  terminating connection")
    assert explained("2026 UTC [7] 53100 ERROR:  could not extend file")
    assert not explained("2026 UTC [7] 40P01 ERROR:  deadlock detected")
    assert not explained("2026 UTC [7] XX000 ERROR:  cache lookup failed")


def test_the_faults_that_are_named_exist() -> None:
    from pgjikan.simulator.faults import KINDS
    from tests.chaos.schedule import EMBEDDING_FAULTS

    assert set(UPSTREAM_FAULTS) <= set(KINDS)
    others = {"short batch", "NaN", "zero vector", "not JSON", "reset", "cut"}
    assert set(EMBEDDING_FAULTS) <= set(FAILURES) | others


def test_the_witness_sees_a_step_back_and_no_step_on(sound: Connection) -> None:
    sound.execute("UPDATE jikan.anime SET members = 8")
    assert value(sound, "SELECT count(*) FROM chaos.went_back") == 0
    sound.execute("UPDATE jikan.anime SET members = 7 WHERE mal_id = 2")
    assert sound.execute("SELECT * FROM chaos.went_back").fetchall() == [(2, 8, 7)]
