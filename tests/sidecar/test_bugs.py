"""A bug costs one task: whatever it raises, in SQL or in Python, the lane and the others go on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from pgjikan import db, sidecar
from pgjikan.embedders import Embedded
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.errors import PgjikanError
from pgjikan.jikan_lane import HAND_INS, JikanLane
from pgjikan.listener import Listener
from pgjikan.settings import Settings
from pgjikan.simulator import Simulator
from pgjikan.worker import Worker
from tests.store.documents import anime
from tests.store.test_store_anime import store, value

from .conftest import dead, process, wait_until

Connection = psycopg.Connection[Any]

#: Raises whatever stands for %s when the task of title 2 is done, so after everything was stored.
TRIGGER = """
CREATE FUNCTION public.break_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NEW.mal_id = 2 AND NEW.outcome = 'done' THEN
        %s;
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER break_it BEFORE INSERT ON jikan_sync.queue_history
FOR EACH ROW EXECUTE FUNCTION public.break_it()
"""
STORED = "SELECT array_agg(a.mal_id ORDER BY a.mal_id) FROM jikan.anime AS a WHERE a.is_full"
CHARGED = (
    "SELECT DISTINCT h.mal_id, h.error_class FROM jikan_sync.queue_history AS h"
    " WHERE h.error_class IS NOT NULL"
)


def break_title_2(connection: Connection, statement: str) -> None:
    connection.execute((TRIGGER % statement).encode())


def soon_dead(connection: Connection) -> None:
    connection.execute(
        "UPDATE jikan_sync.retry_policy SET max_attempts = 2, base_delay = '10 ms',"
        " max_delay = '10 ms' WHERE error_class IN ('bug', 'row')"
    )


def ask_for(connection: Connection, *mal_ids: int) -> None:
    connection.execute("SELECT jikan_sync.enqueue_many('anime', %s)", [list(mal_ids)])


def lane(database: str, time_limit: str = "60s") -> JikanLane:
    connect = db.connector(database, "test", time_limit=time_limit)
    return JikanLane(connect, Settings(), Event(), "test-worker")


def eight_titles() -> list[dict[str, Any]]:
    """Title a to Title h, the numbers 1 to 8."""
    return [anime(number, title=f"Title {letter}") for number, letter in enumerate("abcdefgh", 1)]


@contextmanager
def running(lane: Any) -> Iterator[None]:
    stop = Event()
    worker = Worker(lane, stop=stop, poll_seconds=0.05)
    worker.start()
    try:
        yield
        assert worker.is_alive()
    finally:
        stop.set()
        worker.wake.set()
        worker.join()


def test_a_document_that_raises_anything_dies_alone_and_the_process_goes_on(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    soon_dead(connection)
    break_title_2(connection, "RAISE 'cache lookup failed' USING ERRCODE = 'internal_error'")
    ask_for(connection, 1, 2, 3)
    with process(database, PGJIKAN_POLL_SECONDS="0.1") as sidecar_process:
        wait_until(lambda: dead(connection))
        ask_for(connection, 4)
        wait_until(lambda: value(connection, STORED) == [1, 3, 4])
        assert sidecar_process.poll() is None
    assert dead(connection) == [("anime", 2, "bug")]
    message = value(connection, "SELECT message FROM jikan_sync.dead_letter")
    assert "cache lookup failed" in message and "XX000" in message


def test_a_bug_of_the_client_costs_its_task(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    soon_dead(connection)
    ask_for(connection, 1, 2, 3)
    worker = lane(database)
    ask = worker._ask

    def stumble(request: db.Request) -> Any:
        if request.mal_id == 2:
            raise KeyError("data")
        return ask(request)

    worker._ask = stumble  # type: ignore[method-assign]
    with running(worker):
        wait_until(lambda: dead(connection))
        wait_until(lambda: value(connection, STORED) == [1, 3])
    assert dead(connection) == [("anime", 2, "bug")]
    assert value(connection, "SELECT message FROM jikan_sync.dead_letter") == "KeyError: 'data'"


def test_a_hand_in_that_takes_too_long_is_tried_again_and_then_charged(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    break_title_2(connection, "PERFORM pg_sleep(10)")
    ask_for(connection, 2)
    worker = lane(database, time_limit="500ms")
    assert worker.step()
    ask_for(connection, 3)
    assert worker.step()
    worker.close()
    assert connection.execute(CHARGED).fetchall() == [(2, "bug")]
    assert value(connection, "SELECT attempts FROM jikan_sync.queue") == 1
    assert value(connection, STORED) == [3]
    assert len(upstream.stats()["requests"]) == 2


def test_a_deadlock_costs_nobody_anything(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    connection.execute("CREATE SEQUENCE public.tries")
    break_title_2(
        connection,
        "IF nextval('public.tries') = 1 THEN"
        " RAISE 'deadlock detected' USING ERRCODE = 'deadlock_detected'; END IF",
    )
    ask_for(connection, 2)
    worker = lane(database)
    assert worker.step()
    worker.close()
    assert value(connection, STORED) == [2]
    assert connection.execute(CHARGED).fetchall() == []
    assert len(upstream.stats()["requests"]) == 1, "what was fetched is handed in again"


def test_an_answer_that_kills_the_connection_comes_to_an_end(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    break_title_2(connection, "PERFORM pg_terminate_backend(pg_backend_pid())")
    ask_for(connection, 2)
    worker = lane(database)
    for _ in range(HAND_INS - 1):
        with pytest.raises(psycopg.OperationalError):
            worker.step()
    ask_for(connection, 3)
    worker.step()
    worker.close()
    assert connection.execute(CHARGED).fetchall() == [(2, "bug")]
    assert value(connection, STORED) == [3]
    assert len(upstream.stats()["requests"]) == 2


@pytest.mark.parametrize("name", ["jikan", "embedding"])
def test_a_lane_that_fails_outside_of_a_task_releases_and_begins_anew(
    database: str,
    connection: Connection,
    upstream: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    ask_for(connection, 2)
    store(connection, [anime(9)])
    [worker] = sidecar.open_lanes([name], database, Settings(), Event())
    failed = Event()
    released = value(connection, "SELECT count(*) FROM jikan_sync.queue WHERE lane = %s", name)

    def fail(*_: Any, **__: Any) -> Any:
        failed.set()
        raise RuntimeError("a bug beside every task")

    with monkeypatch.context() as patch:
        # What even charging fails at: the lane cannot say what became of the task.
        patch.setattr(db, "record_response", fail)
        patch.setattr(db, "fail", fail)
        patch.setattr("pgjikan.embedding_queue.store_embeddings", fail)
        patch.setattr("pgjikan.embedding_queue.fail_embeddings", fail)
        with running(worker):
            wait_until(failed.is_set)
            free = "SELECT count(*) FROM jikan_sync.queue WHERE lane = %s AND lease_token IS NULL"
            wait_until(lambda: value(connection, free, name) == released)
            patch.undo()
            done = "SELECT count(*) FROM jikan_sync.queue WHERE lane = %s"
            wait_until(lambda: value(connection, done, name) == 0)
    assert connection.execute(CHARGED).fetchall() == []


def test_the_text_that_its_embedder_stumbles_over_dies_alone(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon_dead(connection)
    store(
        connection, [anime(number, title=f"Title {'abcdefghi'[number]}") for number in range(1, 9)]
    )

    class Embedder:
        provider, model, dimensions = "local", "model", 512

        def embed(self, texts: Any, **_: Any) -> Embedded:
            if any("Title c" in text for text in texts):
                raise ZeroDivisionError("of no length")
            return Embedded("ok", [[1.0] + [0.0] * 511 for _ in texts])

    monkeypatch.setattr("pgjikan.embedding_lane.load_embedder", lambda *_: Embedder())
    [worker] = sidecar.open_lanes(["embedding"], database, Settings(), Event())
    with running(worker):
        wait_until(lambda: dead(connection))
        wait_until(lambda: value(connection, "SELECT count(*) FROM jikan.embedding") == 7)
    assert dead(connection) == [("embed", 2, "bug")]  # of "abcdefghi" the c
    assert connection.execute(CHARGED).fetchall() == [(2, "bug")]
    assert "of no length" in value(connection, "SELECT message FROM jikan_sync.dead_letter")


def test_the_title_whose_vector_cannot_be_stored_dies_alone(
    database: str, connection: Connection
) -> None:
    soon_dead(connection)
    store(
        connection, [anime(number, title=f"Title {'abcdefghi'[number]}") for number in range(1, 9)]
    )
    connection.execute(
        """
        CREATE FUNCTION public.break_it() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.anime_id = (SELECT a.id FROM jikan.anime AS a WHERE a.mal_id = 5) THEN
                RAISE 'invalid page in block 7' USING ERRCODE = 'data_corrupted';
            END IF;
            RETURN NEW;
        END;
        $$;
        CREATE TRIGGER break_it BEFORE INSERT ON jikan.embedding
        FOR EACH ROW EXECUTE FUNCTION public.break_it()
        """
    )
    [worker] = sidecar.open_lanes(["embedding"], database, Settings(), Event())
    with running(worker):
        wait_until(lambda: dead(connection))
        wait_until(lambda: value(connection, "SELECT count(*) FROM jikan.embedding") == 7)
    assert dead(connection) == [("embed", 5, "bug")]
    assert connection.execute(CHARGED).fetchall() == [(5, "bug")]


def test_a_model_that_cannot_be_loaded_here_charges_no_text(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(connection, [anime(1)])

    def broken(*_: Any) -> Any:
        raise OSError("the weights are gone")

    monkeypatch.setattr("pgjikan.embedding_lane.load_embedder", broken)
    worker = EmbeddingLane(db.connector(database, "test"), Settings(), Event(), "w")
    assert worker.step()
    worker.close()
    assert value(connection, "SELECT attempts FROM jikan_sync.queue") == 0
    reason = "SELECT blocked_reason FROM jikan_sync.embedding_provider WHERE name = 'local'"
    assert "the weights are gone" in value(connection, reason)


@contextmanager
def in_a_thread(database: str, *lanes: str) -> Iterator[Thread]:
    stop = Event()
    settings = Settings(tick_seconds=0.05, poll_seconds=0.05)
    thread = Thread(target=sidecar.run, args=[lanes, database, settings, stop])
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("function", "signature", "sign"),
    [
        ("heartbeat", "text, text[], text", "SELECT max(w.seen_at)::text FROM jikan_sync.worker w"),
        ("tick", "integer", "SELECT count(*)::text FROM jikan_sync.job_run AS r"),
    ],
)
def test_a_heartbeat_or_a_tick_that_fails_begins_anew(
    database: str,
    connection: Connection,
    upstream: Simulator,
    function: str,
    signature: str,
    sign: str,
) -> None:
    connection.execute("UPDATE jikan_sync.job SET created_at = '2020-01-01'")
    beats = "SELECT count(*) FROM jikan_sync.worker"
    with in_a_thread(database, "jikan") as thread:
        wait_until(lambda: value(connection, beats))
        connection.execute(
            f"ALTER FUNCTION jikan_sync.{function}({signature}) RENAME TO is_away".encode()
        )
        before = value(connection, sign)
        ask_for(connection, 5)
        wait_until(lambda: value(connection, STORED) == [5])
        assert thread.is_alive()
        connection.execute(
            "UPDATE jikan_sync.job SET last_run_at = '2020-01-01', last_outcome = 'ok',"
            " last_duration = '1 s'"
        )
        connection.execute(
            f"ALTER FUNCTION jikan_sync.is_away({signature}) RENAME TO {function}".encode()
        )
        wait_until(lambda: value(connection, sign) != before)


def test_a_listener_that_fails_begins_anew(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, wake, failed = Event(), Event(), Event()

    def fail(self: Listener) -> None:
        failed.set()
        raise RuntimeError("deaf")

    with monkeypatch.context() as patch:
        patch.setattr(Listener, "_wake_all", fail)
        listener = Listener(db.connector(database, "deaf"), wake=[wake], stop=stop)
        listener.start()
        wait_until(failed.is_set)
    wait_until(wake.is_set)
    stop.set()
    listener.join()


def test_a_database_that_can_never_be_worked_on_ends_it(empty_database: str) -> None:
    with pytest.raises(PgjikanError, match="not deployed") as raised:
        sidecar.run(["jikan", "embedding"], empty_database, Settings(), Event())
    assert raised.value.hint == "pgjikan deploy"


def test_a_closed_output_stops_no_work(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    with process(database, PGJIKAN_POLL_SECONDS="0.1") as running_process:
        assert running_process.stdout is not None
        assert "sidecar_started" in running_process.stdout.readline()
        running_process.stdout.close()
        ask_for(connection, 1)
        wait_until(lambda: value(connection, STORED) == [1])
        assert running_process.poll() is None


CLAIMING = (
    "SELECT pid, query_start FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND query LIKE '%jikan_sync.claim_request(%'"
)
MIGRATIONS = {
    "claim_request": {
        "task text": "task character varying",
        "v_task.task,": "v_task.task::character varying,",
    },
    "record_response": {"RETURNS text": "RETURNS character varying"},
}


def test_a_migration_beside_a_sidecar_that_has_long_been_running(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    """The plans that its connections have prepared are out of date: no task is charged for it."""
    with process(database, "--lane", "jikan", PGJIKAN_POLL_SECONDS="0.1") as running_process:
        for mal_id in range(1, 7):
            ask_for(connection, mal_id)
            wait_until(lambda n=mal_id: n in (value(connection, STORED) or []))
        looks = defaultdict[int, set[datetime]](set)

        def have_prepared() -> bool:
            """Whether each connection that claims has been seen to do so often enough."""
            for pid, begun_at in connection.execute(CLAIMING):
                looks[pid].add(begun_at)
            return bool(looks) and all(len(begun) > 6 for begun in looks.values())

        wait_until(have_prepared)
        for function, changes in MIGRATIONS.items():
            definition = value(
                connection, "SELECT pg_get_functiondef(%s::regproc)", f"jikan_sync.{function}"
            )
            for old, new in changes.items():
                assert old in definition
                definition = definition.replace(old, new)
            connection.execute(
                f"BEGIN; DROP FUNCTION jikan_sync.{function}; {definition}; COMMIT".encode()
            )
        ask_for(connection, 7)
        wait_until(lambda: 7 in value(connection, STORED))
        running_process.terminate()
        output, _ = running_process.communicate()
    assert running_process.returncode == 0
    lines = [json.loads(line) for line in output.splitlines()]
    told = [line["error"] for line in lines if line["event"] == "statement_failed"]
    assert told, f"the plan was out of date indeed: {lines}"
    assert connection.execute(CHARGED).fetchall() == []
    assert len(upstream.stats()["requests"]) == 7


def test_a_prepared_statement_that_is_gone_is_prepared_again(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    worker = lane(database)
    for mal_id in range(1, 7):
        ask_for(connection, mal_id)
        assert worker.step()
    # As a pooler does that hands the next transaction to another server connection.
    worker._session.open().execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END; $$", prepare=False)
    ask_for(connection, 7)
    assert worker.step()
    worker.close()
    assert value(connection, STORED) == [1, 2, 3, 4, 5, 6, 7]
    assert connection.execute(CHARGED).fetchall() == []
