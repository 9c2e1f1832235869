"""Routes that are not anime, asked of an upstream: off by default, bounded, never stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
import requests

Connection = psycopg.Connection[Any]


REFUSALS = {
    "/v4/manga/2/nothing": (
        404, b'{"status":404,"type":"HttpException","message":"Not Found","error":null}'
    ),
    "/v4/top/manga": (
        400,
        b'{"status":400,"type":"ValidationException","messages":{"type":["Wrong."]},"error":"e"}',
    ),
}  # fmt: skip


#: What the answer about manga 4 waits for.
GOES_ON = threading.Event()


class Upstream(BaseHTTPRequestHandler):
    """A Jikan that knows one manga, and remembers what it was asked."""

    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.seen.append((self.path, dict(self.headers)))
        path = self.path.split("?")[0]
        if path == "/v4/manga/4":
            GOES_ON.wait(30)
            self._say(200, b'{"data":{"mal_id":4}}')
        elif path == "/v4/manga/2":
            self._say(200, b'{"data":{"mal_id":2}}')
        elif path == "/v4/manga/3":
            self.send_response(302)
            self.send_header("Location", "/v4/manga/2")
            self.end_headers()
        elif path in REFUSALS:
            self._say(*REFUSALS[path])
        else:
            self._say(404, b'{"status":404,"type":"BadResponseException"}')

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def upstream(connection: Connection) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """The only provider; what it was asked."""
    GOES_ON.clear()
    handler = type("Handler", (Upstream,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        connection.execute("DELETE FROM jikan_sync.provider")
        connection.execute(
            "INSERT INTO jikan_sync.provider (name, base_url, rank) VALUES ('house', %s, 1)",
            [f"http://127.0.0.1:{server.server_port}/v4"],
        )
        yield handler.seen
        GOES_ON.set()
        server.shutdown()


def test_it_is_off_by_default(
    serve: Callable[..., str], upstream: list[tuple[str, dict[str, str]]]
) -> None:
    assert requests.get(f"{serve()}/v4/manga/2", timeout=30).status_code == 404
    assert upstream == []


def test_what_is_not_anime_is_passed_through(
    serve: Callable[..., str],
    upstream: list[tuple[str, dict[str, str]]],
    connection: Connection,
) -> None:
    root = serve(pass_through=True, pass_seconds=0.0)
    answer = requests.get(
        f"{root}/v4/manga/2?a=b", headers={"Cookie": "secret", "X-Mine": "1"}, timeout=30
    )
    assert (answer.status_code, answer.json()) == (200, {"data": {"mal_id": 2}})
    assert "Set-Cookie" not in answer.headers
    [(path, headers)] = upstream
    assert path == "/v4/manga/2?a=b"
    assert not {"Cookie", "X-Mine"} & set(headers)
    assert headers["User-Agent"].startswith("pgjikan/")
    assert requests.get(f"{root}/manga/9", timeout=30).status_code == 404
    # A redirect is not followed, and what could leave the folder or is anime does not go out.
    assert requests.get(f"{root}/v4/reviews/anime?page=2", timeout=30).status_code == 404
    assert upstream[-1][0] == "/v4/reviews/anime?page=2"
    asked = len(upstream)
    assert requests.get(f"{root}/manga/3", timeout=30).status_code == 504
    assert len(upstream) == asked + 1
    for path in (
        "/anime/x",
        "/manga/%2e%2e/x",
        "/manga/a b",
        "/a/b/c/d/e/f/g",
        "/favicon.ico",
        "/robots",
    ):
        assert requests.get(root + path, timeout=30).status_code == 404, path
    assert len(upstream) == asked + 1
    counted = connection.execute(
        "SELECT sum(request_count) FROM jikan_sync.request_stat WHERE task = 'pass_through'"
    ).fetchone()
    assert counted == (4,)


def test_a_refusal_is_the_upstreams_own(
    serve: Callable[..., str], upstream: list[tuple[str, dict[str, str]]]
) -> None:
    root = serve(pass_through=True, pass_seconds=0.0)
    for path, (status, body) in REFUSALS.items():
        answer = requests.get(root + path, timeout=30)
        assert (answer.status_code, answer.content) == (status, body)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert len(upstream) == len(REFUSALS)


def test_it_takes_a_small_share(
    serve: Callable[..., str], upstream: list[tuple[str, dict[str, str]]]
) -> None:
    root = serve(pass_through=True, pass_seconds=600.0)
    statuses = [requests.get(f"{root}/manga/2", timeout=30).status_code for _ in range(4)]
    assert statuses == [200, 429, 429, 429]
    assert len(upstream) == 1


def test_none_queue_behind_a_slow_one(
    serve: Callable[..., str],
    upstream: list[tuple[str, dict[str, str]]],
    connection: Connection,
) -> None:
    root = serve(pass_through=True, pass_seconds=0.0)
    first = threading.Thread(target=lambda: requests.get(f"{root}/manga/4", timeout=60))
    first.start()
    while not upstream:
        first.join(0.05)
        assert first.is_alive()
    answers = [requests.get(f"{root}/manga/{n}", timeout=5) for n in (2, 4, 9)]
    assert [answer.status_code for answer in answers] == [429] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert len(upstream) == 1
    reserved = connection.execute(
        "SELECT count(*) FROM jikan_sync.request_stat WHERE task = 'pass_through'"
    ).fetchone()
    assert reserved == (0,), "the first is under way still"
    GOES_ON.set()
    first.join(30)
    assert requests.get(f"{root}/manga/2", timeout=30).status_code == 200
