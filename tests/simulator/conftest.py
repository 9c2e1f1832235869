"""A simulator of the tests' titles, and a client that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from pgjikan.client import JikanClient
from pgjikan.simulator import Simulator
from tests.conftest import Simulate

Get = Callable[..., requests.Response]


@pytest.fixture
def simulator(simulate: Simulate) -> Iterator[Simulator]:
    with simulate(seed=1) as simulator:
        yield simulator


@pytest.fixture
def client() -> Iterator[JikanClient]:
    client = JikanClient(deadline=5, max_bytes=1_000_000)
    yield client
    client.close()


@pytest.fixture
def get(simulator: Simulator) -> Iterator[Get]:
    """`get(path, **query)` asks the simulator as a stranger would, and shows the bare answer."""
    session = requests.Session()
    session.headers["User-Agent"] = "stranger/1"

    def ask(path: str, **query: Any) -> requests.Response:
        return session.get(simulator.url + path, params=query, timeout=10, allow_redirects=False)

    yield ask
    session.close()
