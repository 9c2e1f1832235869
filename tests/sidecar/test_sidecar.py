"""The sidecar for real: its own process, the simulator as upstream, a real server."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg
import pytest

from pgjikan import db, embedding_queue, sidecar
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from pgjikan.simulator import Simulator
from tests.store.documents import anime
from tests.store.test_store_anime import store, value

from .conftest import listening, process, wait_until

Connection = psycopg.Connection[Any]


def lane(database: str, **settings: Any) -> JikanLane:
    return JikanLane(db.connector(database, "test"), Settings(**settings), Event(), "test-worker")


def test_a_notification_is_enough_to_fetch_store_and_embed(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    with process(database) as running:
        wait_until(lambda: listening(connection))
        assert connection.execute("SELECT * FROM anime.search('title number 3')").fetchall() == []
        wait_until(
            lambda: value(connection, "SELECT count(*) FROM anime.search_cached('title number 3')")
        )
        wait_until(
            lambda: (
                value(connection, "SELECT sync_status FROM jikan.anime WHERE mal_id = 3") == "fresh"
            )
        )
        running.send_signal(signal.SIGTERM)
        output, _ = running.communicate(timeout=10)
    assert running.returncode == 0
    events = [json.loads(line)["event"] for line in output.splitlines() if line.startswith("{")]
    assert events[0] == "sidecar_started" and events[-1] == "sidecar_stopped"
    assert "fetch_completed" in events
    assert upstream.stats()["by_kind"]["search"] == 1


def test_once_drains_what_is_due_and_exits(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    for mal_id in (1, 2):
        assert value(connection, "SELECT anime.get(%s)", mal_id) is None
    with process(database, "--once") as running:
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output
    assert value(connection, "SELECT count(*) FROM anime.catalog WHERE freshness = 'fresh'") == 2
    assert value(connection, "SELECT count(*) FROM jikan_sync.queue") == 0


def test_a_stop_in_the_middle_of_a_request_hands_the_task_back(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    upstream.fault("timeout", rate=1.0)
    value(connection, "SELECT anime.get(1)")
    with process(database, "--lane", "jikan") as running:
        wait_until(lambda: value(connection, "SELECT count(leased_by) FROM jikan_sync.queue"))
        wait_until(lambda: upstream.stats()["requests"])
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)  # the request's own deadline is 45 s
    assert running.returncode == 0
    [task] = connection.execute("SELECT leased_by, failures FROM jikan_sync.queue").fetchall()
    assert task == (None, 0)


def test_a_kill_loses_no_task(
    database: str,
    connection: Connection,
    upstream: Simulator,
    set_clock: Callable[[str | None], None],
) -> None:
    set_clock("2026-11-23T12:00:00Z")
    upstream.fault("timeout", rate=1.0)
    value(connection, "SELECT anime.get(1)")
    with process(database, "--lane", "jikan") as running:
        wait_until(lambda: upstream.stats()["requests"])
        running.kill()
    upstream.clear_faults()
    worker = lane(database)
    while worker.step():
        pass
    assert value(connection, "SELECT count(lease_token) FROM jikan_sync.queue") == 1  # the dead's
    connection.execute("SELECT jikan_sync.clock_advance('1 hour')")
    connection.execute("SELECT jikan_sync.sweep_leases()")
    connection.execute("SELECT jikan_sync.clock_advance('1 minute')")  # it is tried again later
    while worker.step():
        pass
    worker.close()
    assert value(connection, "SELECT is_full FROM jikan.anime WHERE mal_id = 1")


def test_it_outlives_a_lost_server_connection(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    with process(database):
        wait_until(lambda: listening(connection))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'pgjikan%' AND datname = current_database()"
        )
        wait_until(lambda: listening(connection))
        value(connection, "SELECT anime.get(4)")
        wait_until(lambda: value(connection, "SELECT count(*) FROM anime.catalog"))


def test_what_was_fetched_before_the_server_went_is_handed_in_after(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    value(connection, "SELECT anime.get(2)")
    worker = lane(database)
    ask = worker._ask

    def cut(*arguments: Any) -> Any:
        response = ask(*arguments)
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'test' AND datname = current_database()"
        )
        return response

    worker._ask = cut  # type: ignore[method-assign]
    with pytest.raises(psycopg.OperationalError):
        worker.step()
    worker._ask = ask  # type: ignore[method-assign]
    worker.step()
    worker.close()
    assert value(connection, "SELECT is_full FROM jikan.anime WHERE mal_id = 2")
    assert upstream.stats()["by_kind"]["full"] == 1


@pytest.mark.parametrize("name", ["jikan", "embedding"])
def test_what_was_claimed_by_a_call_whose_answer_was_lost_is_done_at_once(
    database: str,
    connection: Connection,
    upstream: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    if name == "jikan":
        value(connection, "SELECT anime.get(2)")
    else:
        store(connection, [anime(2)])
    [worker] = sidecar.open_lanes([name], database, Settings(), Event())
    home, call = (db, "claim_request") if name == "jikan" else (embedding_queue, "claim_embeddings")
    claim = getattr(home, call)

    def lose_the_answer(there: Connection, **arguments: Any) -> Any:
        assert claim(there, **arguments)
        connection.execute("SELECT pg_terminate_backend(%s)", [there.info.backend_pid])
        there.execute("SELECT 'dead'")

    monkeypatch.setattr(home, call, lose_the_answer)
    with pytest.raises(psycopg.OperationalError):
        worker.step()
    monkeypatch.undo()
    assert worker.step()
    worker.close()
    history = "SELECT outcome, error_class FROM jikan_sync.queue_history "
    assert connection.execute(history).fetchall() == [("done", None)]


def test_the_first_provider_is_overridden_by_the_environment_and_nobody_else(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    connection.execute(
        "UPDATE jikan_sync.provider SET base_url = 'http://127.0.0.1:9/v4' WHERE enabled"
    )
    value(connection, "SELECT anime.get(5)")
    worker = lane(database, jikan_url=upstream.url.replace("//", "//user:s3cret@"))
    assert worker.step()
    worker.close()
    assert value(connection, "SELECT is_full FROM jikan.anime WHERE mal_id = 5")


@pytest.mark.parametrize(
    "fault", ["500", "503", "504", "html", "error_200", "wrong_id", "reset", "truncated"]
)
def test_a_fault_of_the_provider_charges_no_attempt_and_loses_nothing(
    database: str, connection: Connection, upstream: Simulator, fault: str
) -> None:
    upstream.fault(fault, rate=1.0)
    value(connection, "SELECT anime.get(6)")
    worker = lane(database)
    assert worker.step()
    worker.close()
    [(attempts, failures)] = connection.execute(
        "SELECT attempts, failures FROM jikan_sync.queue WHERE task = 'anime'"
    ).fetchall()
    assert (attempts, failures) == (0, 1)
    assert value(connection, "SELECT count(*) FROM jikan.anime") == 0


def test_one_404_hides_nothing(database: str, connection: Connection, upstream: Simulator) -> None:
    store(connection, [anime(99)], fetched_at="2026-01-01T00:00:00Z")
    value(connection, "SELECT anime.get(99)")
    worker = lane(database)
    while worker.step():
        pass
    worker.close()
    row = connection.execute(
        "SELECT missing_count, removed_at FROM jikan.anime WHERE mal_id = 99"
    ).fetchone()
    assert row == (1, None)
    assert value(connection, "SELECT count(*) FROM anime.search_cached('cowboy bebop')") == 1


def test_all_threads_end_when_told(
    database: str, connection: Connection, upstream: Simulator
) -> None:
    """Told while all of them wait: idle lanes for work, the listener for a notification."""
    before = set(threading.enumerate())
    stop = Event()
    running = threading.Thread(
        target=sidecar.run,
        args=(["jikan", "embedding"], database, Settings(poll_seconds=600, tick_seconds=600), stop),
    )
    running.start()
    wait_until(lambda: listening(connection))
    wait_until(lambda: value(connection, "SELECT count(*) FROM jikan_sync.worker"))
    began = set(threading.enumerate()) - before - {running}
    assert len(began) >= 4
    stop.set()
    running.join(30)
    wait_until(lambda: not any(thread.is_alive() for thread in {*began, running}))


def test_a_long_job_has_no_time_limit_and_does_not_silence_the_sidecar(
    database: str, connection: Connection
) -> None:
    connection.execute("UPDATE jikan_sync.job SET enabled = false")
    connection.execute(
        "INSERT INTO jikan_sync.job (name, period, command, description) VALUES ('long', '1 day', "
        "'SELECT current_setting(''statement_timeout'') FROM pg_advisory_xact_lock(4711)', 'long')"
    )
    connection.execute("UPDATE jikan_sync.job SET created_at = '2000-01-01' WHERE name = 'long'")
    connection.execute("SELECT pg_advisory_lock(4711)")
    stop = Event()
    beats = "SELECT count(*) FROM jikan_sync.worker WHERE seen_at > started_at"
    blocked = "SELECT count(*) FROM pg_locks WHERE objid = 4711 AND NOT granted"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(sidecar.run, [], database, Settings(tick_seconds=0.02), stop)
        try:
            wait_until(lambda: value(connection, blocked))
            wait_until(lambda: value(connection, beats))
            connection.execute("SELECT pg_advisory_unlock(4711)")
            wait_until(lambda: value(connection, "SELECT count(*) FROM jikan_sync.job_run"))
        finally:
            stop.set()
        running.result()
    assert value(connection, "SELECT result FROM jikan_sync.job_run WHERE job_name = 'long'") == "0"


def test_a_title_that_fails_for_days_while_others_are_answered_is_charged_in_the_end(
    database: str,
    connection: Connection,
    upstream: Simulator,
    set_clock: Callable[[str | None], None],
) -> None:
    upstream.fault("500", path="*/anime/6/*", rate=1.0)
    set_clock("2026-11-23T12:00:00Z")
    value(connection, "SELECT anime.get(6)")
    value(connection, "SELECT jikan_sync.fold_wishes()")
    connection.execute("UPDATE jikan_sync.queue SET failures = 10")
    charged = []
    for moment in ("2026-11-24T11:59:59Z", "2026-11-24T12:05:00Z", "2026-11-24T12:30:00Z"):
        set_clock(moment)
        if moment == "2026-11-24T12:05:00Z":  # while the other one waits
            value(connection, "SELECT jikan_sync.enqueue_many('anime', '{5}')")
        worker = lane(database)
        while worker.step():
            pass
        worker.close()
        charged.append(value(connection, "SELECT attempts FROM jikan_sync.queue WHERE mal_id = 6"))
    assert charged == [0, 0, 1]
