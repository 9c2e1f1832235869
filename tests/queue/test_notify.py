"""A notification when, and only when, a high task became ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from .conftest import Queue


@pytest.fixture
def heard(connect: Callable[..., psycopg.Connection[Any]]) -> Callable[[], list[str]]:
    """Return the payloads that arrived since the last call."""
    listener = connect()
    listener.execute("LISTEN jikan_sync")

    def drain() -> list[str]:
        listener.execute("SELECT 1")  # the server sends what is pending along
        return [note.payload for note in listener.notifies(timeout=0)]

    return drain


def test_high_wakes(queue: Queue, heard: Callable[[], list[str]]) -> None:
    queue.add("anime", 1, priority="high")
    assert heard() == [""]
    queue.add("anime", 1, priority="high")
    assert heard() == [], "nothing new"


def test_raised_wakes(queue: Queue, heard: Callable[[], list[str]]) -> None:
    queue.add("anime", 1)
    assert heard() == []
    queue.add("anime", 1, priority="high")
    assert heard() == [""]


def test_bulk_does_not_wake(queue: Queue, heard: Callable[[], list[str]]) -> None:
    queue.one("SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(1, 100)))")
    tasks = queue.claim(50)
    queue.one(
        "SELECT jikan_sync.complete_many(%s, %s)",
        [task["id"] for task in tasks],
        [task["lease_token"] for task in tasks],
    )
    queue.add("anime", 777, priority="high", ready_at="2030-01-02 12:00:00Z")
    assert heard() == []


def test_one_statement_is_one_notification(queue: Queue, heard: Callable[[], list[str]]) -> None:
    queue.one("SELECT jikan_sync.enqueue_many('anime', '{1, 2, 3}', 'high')")
    assert heard() == [""]


def test_released_wakes_another(queue: Queue, heard: Callable[[], list[str]]) -> None:
    queue.add("anime", 1, priority="high")
    queue.add("anime", 2)
    tasks = queue.claim(2, worker="a")
    heard()
    high = next(task for task in tasks if task["priority"] == "high")
    queue.one("SELECT jikan_sync.release(%s, %s)", high["id"], high["lease_token"])
    assert heard() == [""]
    queue.one("SELECT jikan_sync.release_worker('a')")
    assert heard() == [], "the other one is low"
