"""The stand-in for Google's API, from the embedders' tests, and a lane that talks to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "embedders"))

from gemini_server import GeminiServer, settings

from pgjikan import db
from pgjikan.embedding_lane import EmbeddingLane


@pytest.fixture
def gemini() -> Iterator[GeminiServer]:
    server = GeminiServer()
    yield server
    server.close()


@pytest.fixture
def open_lane(database: str, gemini: GeminiServer) -> Iterator[Callable[..., EmbeddingLane]]:
    """Open a lane on the test's database: `open_lane(worker="lane", stop=None, **settings)`."""
    lanes: list[EmbeddingLane] = []

    def open_it(worker: str = "lane", stop: Event | None = None, **fields: object) -> EmbeddingLane:
        lane = EmbeddingLane(
            db.connector(database, worker),
            settings(**{"google_base_url": gemini.url, **fields}),
            stop or Event(),
            worker,
        )
        lanes.append(lane)
        return lane

    yield open_it
    for lane in lanes:
        lane.close()
