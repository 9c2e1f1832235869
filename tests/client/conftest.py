"""A client with small bounds, and servers on loopback for it to meet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pgjikan.client import JikanClient
from pgjikan.simulator import Simulator
from tests.conftest import Simulate
from tests.simulator.recordings import Recordings


class Serve:
    """`serve(status, body, **headers)` answers everything so, at the URL it returns.

    A header may name that URL as {root}.
    """

    def __init__(self) -> None:
        self.seen: list[Message] = []
        self.peers: set[tuple[str, int]] = set()
        self._servers: list[ThreadingHTTPServer] = []

    def __call__(self, status: int, body: bytes, **headers: str) -> str:
        outer = self

        class Canned(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.seen.append(self.headers)
                outer.peers.add(self.client_address)
                self.send_response_only(status)
                for name, value in headers.items():
                    root = f"http://{self.headers['Host']}/v4"
                    self.send_header(name.replace("_", "-"), value.replace("{root}", root))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle(self) -> None:
                with suppress(ConnectionError):  # the client need not read a bomb to its end
                    super().handle()

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self._servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v4"

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def client() -> Iterator[JikanClient]:
    client = JikanClient(contact="tests@example.org", deadline=10, max_bytes=2_000_000)
    yield client
    client.close()


@pytest.fixture(scope="session")
def recorded(shared: Path, simulate: Simulate) -> Iterator[Simulator]:
    """Says what was recorded to who asks for the name of its file."""
    with simulate() as simulator:
        Recordings(shared / "jikan/recorded").say_by_name(simulator)
        yield simulator


@pytest.fixture
def serve() -> Iterator[Serve]:
    serve = Serve()
    yield serve
    serve.close()
