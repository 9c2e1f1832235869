"""Neither time nor memory is the upstream's to spend."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from pgjikan.client import JikanClient
from tests.client.conftest import Serve
from tests.conftest import Simulate


@pytest.mark.parametrize("kind", ["timeout", "slow", "slow_headers"])
def test_the_deadline_ends_what_a_read_timeout_does_not(kind: str, simulate: Simulate) -> None:
    """Each byte comes in time, all of them would take minutes; pytest's timeout is the proof."""
    client = JikanClient(read_timeout=600, deadline=0.2)
    with simulate() as simulator:
        simulator.fault(kind)
        got = client.fetch("/anime/1/full", base_url=simulator.url)
    client.close()
    assert (got.outcome, got.body) == ("transport_error", None)
    assert "timed out" in got.message


@contextmanager
def late(seconds: float) -> Iterator[str]:
    """A server that answers well, but only then: who waits for it gets the answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        is_over = threading.Event()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, suppress(ConnectionError):
                connection.recv(65_536)
                is_over.wait(seconds)
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data":[]}')

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        is_over.set()
        thread.join()


@pytest.mark.parametrize(("deadline", "outcome"), [(0.1, "transport_error"), (60, "ok")])
def test_a_request_may_have_a_shorter_deadline(deadline: float, outcome: str) -> None:
    client = JikanClient(read_timeout=60, deadline=60)
    with late(2) as url:
        got = client.fetch("/anime", base_url=url, deadline=deadline)
    client.close()
    assert got.outcome == outcome
    assert got.message == ("" if outcome == "ok" else "timed out waiting for the answer")


def test_the_deadline_ends_a_read_that_began_before_it() -> None:
    """Two halves, each within the read timeout, the second after the deadline."""
    client = JikanClient(read_timeout=0.3, deadline=0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, suppress(ConnectionError):
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n")
                for half in (b'{"data"', b":[]}"):
                    time.sleep(0.25)
                    connection.sendall(half)

        thread = threading.Thread(target=answer)
        thread.start()
        got = client.fetch("/anime", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread.join()
    client.close()
    assert got.outcome == "transport_error"


@pytest.mark.parametrize(("timeout", "outcome"), [(0.1, "transport_error"), (60, "ok")])
def test_a_read_timeout_ends_a_silent_answer(timeout: float, outcome: str) -> None:
    client = JikanClient(read_timeout=timeout, deadline=60)
    with late(2) as url:
        got = client.fetch("/anime", base_url=url)
    client.close()
    assert got.outcome == outcome


def test_the_next_request_has_its_own_deadline(simulate: Simulate) -> None:
    client = JikanClient(deadline=0.3)
    with simulate() as simulator:
        simulator.fault("slow", next=1)
        outcomes = [client.fetch("/anime/1", base_url=simulator.url).outcome for _ in range(4)]
    client.close()
    assert outcomes == ["transport_error", "ok", "ok", "ok"]


def test_the_cap_counts_unpacked_bytes(serve: Serve) -> None:
    body = b'{"data":["' + b"x" * 10_000 + b'"]}'
    for cap, outcome in ((len(body), "ok"), (len(body) - 1, "invalid")):
        client = JikanClient(max_bytes=cap)
        plain = client.fetch("/anime", base_url=serve(200, body))
        packed = client.fetch(
            "/anime", base_url=serve(200, gzip.compress(body), Content_Encoding="gzip")
        )
        client.close()
        assert (plain.outcome, packed.outcome) == (outcome, outcome)
        if outcome == "ok":
            assert plain.bytes == packed.bytes == len(body)
        else:
            assert "over" in packed.message


def test_a_bomb_does_not_unpack_in_memory(client: JikanClient, serve: Serve) -> None:
    url = serve(200, gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    tracemalloc.start()
    got = client.fetch("/anime", base_url=url)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert got.outcome == "invalid"
    assert peak < 10_000_000  # the cap is 2,000,000


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_huge_error_body_does_not_change_the_outcome(
    client: JikanClient, serve: Serve, status: int
) -> None:
    got = client.fetch("/anime", base_url=serve(status, b"<title>Oops</title>" + bytes(3_000_000)))
    assert got.outcome == ("rate_limited" if status == 429 else "upstream_error")
    assert "Oops" in got.message


def test_a_connection_is_kept_for_the_next_request(client: JikanClient, serve: Serve) -> None:
    """Politeness: no new handshake for each request."""
    url = serve(200, b'{"data":[]}')
    assert [client.fetch("/anime/1", base_url=url).outcome for _ in range(3)] == ["ok"] * 3
    assert len(serve.peers) == 1
