"""Whatever an upstream answers is one outcome, the right one, and never an exception."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pgjikan.client import JikanClient
from pgjikan.simulator import Simulator
from tests.client.conftest import Serve
from tests.simulator.recordings import Recordings

GOOD = b'{"data":[]}'


def said(**body: Any) -> bytes:
    return json.dumps(body).encode()


LIMITED = said(status="429", type="RateLimitException", message="slow down", error=None)
ABSENT = said(status=404, type="BadResponseException", message="Resource does not exist")


def test_every_recorded_answer(recorded: Simulator, shared: Path) -> None:
    client = JikanClient()
    folder = shared / "jikan/recorded"
    recordings = Recordings(folder)
    wrong: list[str] = []
    for name in recordings.names():
        kind = name.split("-")[1]
        want = "ok"
        if name.startswith("error-"):
            want = {"400": "rejected", "404": "rejected", "429": "rate_limited"}.get(
                kind, "upstream_error"
            )
            want = "not_found" if name == "error-404-badresponse.json" else want
        got = client.fetch(f"/{name}", base_url=recorded.url)
        if (got.outcome, got.status) != (want, recordings.status(name)):
            wrong.append(f"{name}: {got}")
        if got.outcome == "ok":
            assert got.body is not None
            assert json.loads(got.body) == json.loads((folder / name).read_bytes()), name
        else:
            assert got.message, name
    client.close()
    assert not wrong
    assert len(recordings.names()) >= 250


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, GOOD, "ok"),
        (200, b'{"data":{"mal_id":1}}', "ok"),
        (200, b"\xef\xbb\xbf" + GOOD, "ok"),
        (200, b"", "invalid"),
        (200, b"null", "invalid"),
        (200, b"[]", "invalid"),
        (200, b'{"data":null}', "invalid"),
        (200, b'{"data":"x"}', "invalid"),
        (200, b'{"data":[1,2', "invalid"),
        (200, b'{"data":[NaN]}', "invalid"),
        (200, b'{"data":[-Infinity]}', "invalid"),
        (200, b'{"data":[1e999]}', "invalid"),
        (200, b'{"data":[1e-999]}', "invalid"),
        (200, b'{"data":[%s]}' % (b"9" * 5000), "invalid"),
        (200, b'{"data":[1.5e-7, -3, 0.1, 12345678901234567890]}', "ok"),
        (200, b'{"data":' + b"[" * 100 + b"]" * 100 + b"}", "invalid"),
        (200, b"[" * 200_000, "invalid"),
        (200, b'{"data":[]}trailing', "invalid"),
        (200, b'{"data":["\x00"]}', "invalid"),
        (200, b"<!DOCTYPE html><title>Welcome</title>", "invalid"),
        (200, said(status=500, type="UpstreamException", message="down"), "invalid"),
        (200, ABSENT, "invalid"),
        (200, LIMITED, "rate_limited"),
        (201, GOOD, "invalid"),
        (204, b"", "invalid"),
        (301, b"", "upstream_error"),
        (304, b"", "upstream_error"),
        (400, said(status="400", messages={"page": ["too small"]}), "rejected"),
        (400, b"<h1>Bad Request</h1>", "rejected"),
        (400, LIMITED, "rate_limited"),
        (401, b"", "upstream_error"),
        (402, b"", "upstream_error"),
        (403, b"<title>Forbidden</title>", "upstream_error"),
        (403, said(status=403, type="BadResponseException", message="m"), "upstream_error"),
        (404, ABSENT, "not_found"),
        (404, said(status="404", type="BadResponseException", message="m"), "not_found"),
        (404, said(status=404, message="Resource does not exist"), "not_found"),
        (404, said(status=404, type="HttpException", message="Not Found"), "rejected"),
        (404, said(status=500, type="UpstreamException", message="m"), "upstream_error"),
        (404, said(status=404, error="Not Found", path="/v4/anime/1"), "upstream_error"),
        (404, said(detail="Not Found"), "upstream_error"),
        (404, b"<title>404 Not Found</title>", "upstream_error"),
        (404, b"", "upstream_error"),
        (405, said(status=405, type="HttpException"), "rejected"),
        (408, b"", "upstream_error"),
        (410, b"gone for good", "upstream_error"),
        (414, b"", "rejected"),
        (429, b"", "rate_limited"),
        (429, LIMITED, "rate_limited"),
        (429, b"[" * 100_000, "rate_limited"),
        (500, ABSENT, "upstream_error"),
        (500, LIMITED, "rate_limited"),
        (500, said(status=None, type=None, message={"not": "text"}), "upstream_error"),
        (502, b"<html>", "upstream_error"),
        (503, b"\xff\xfe\x00", "upstream_error"),
        (504, said(status="504", type="BadResponseException", message="m"), "upstream_error"),
        (520, b"", "upstream_error"),
        (999, b"", "upstream_error"),
    ],
)
def test_each_answer_is_one_outcome(
    client: JikanClient, serve: Serve, status: int, body: bytes, outcome: str
) -> None:
    got = client.fetch("/anime", base_url=serve(status, body))
    assert (got.outcome, got.status) == (outcome, status), got
    assert (got.body is not None) == (outcome == "ok")
    assert bool(got.message) == (outcome != "ok")
    assert len(got.message) <= 300
    assert got.message.isprintable()


def test_a_gateway_that_has_it_not_yet_is_not_one_that_fails(
    client: JikanClient, serve: Serve
) -> None:
    body = said(status=504, type="BadResponseException", message="m", error=None)
    marked = client.fetch(
        "/anime/7", base_url=serve(504, body, Retry_After="30", X_Pgjikan="not-yet")
    )
    assert (marked.outcome, marked.retry_after_seconds) == ("not_yet", 30)
    assert client.fetch("/anime/7", base_url=serve(504, body)).outcome == "upstream_error"
    other = client.fetch("/anime/7", base_url=serve(502, body, X_Pgjikan="not-yet"))
    assert other.outcome == "upstream_error"


def test_refusal_says_what_to_do(client: JikanClient, serve: Serve) -> None:
    forbidden = serve(403, b"<title>Forbidden</title>")
    got = client.fetch("/anime", base_url=forbidden)
    assert "contact" in got.message
    assert "key" not in got.message, "none was sent"
    got = client.fetch("/anime", base_url=forbidden, key_header="X-Server-Key", key="s3cret")
    assert "is the server key right?" in got.message


def test_a_block_by_myanimelist_is_not_blamed_on_the_key(client: JikanClient, serve: Serve) -> None:
    body = said(
        status=403,
        type="BadResponseException",
        message="Jikan failed to connect to MyAnimeList. MyAnimeList may be down/unavailable or "
        "refuses to connect",
        error="403 on https://myanimelist.net/anime/1",
    )
    got = client.fetch(
        "/anime/1", base_url=serve(403, body), key_header="X-Server-Key", key="s3cret"
    )
    assert got.outcome == "upstream_error"
    assert "MyAnimeList refuses this Jikan instance" in got.message
    assert "key" not in got.message


def test_messages_name_the_parameter(client: JikanClient, serve: Serve) -> None:
    body = said(status=400, type="ValidationException", messages={"limit": ["25 at most", "x"]})
    assert client.fetch("/anime", base_url=serve(400, body)).message == "400: limit: 25 at most x"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://127.0.0.1:{closed}/v4", "refused"),
        ("http://host.invalid/v4", "gaierror"),
        ("https://127.0.0.1:{plain}/v4", "SSL"),
        ("", "base URL"),
        ("ftp://127.0.0.1", "base URL"),
        ("http://[half", "base URL"),
        ("http://" + "a" * 300, "base URL"),
    ],
)
def test_no_connection_is_a_transport_error(
    client: JikanClient, serve: Serve, url: str, word: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
    plain = serve(200, GOOD).rsplit(":", 1)[1].removesuffix("/v4")
    got = client.fetch("/anime", base_url=url.format(closed=free, plain=plain))
    assert (got.outcome, got.status) == ("transport_error", None)
    assert word in got.message


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + GOOD,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 ninety nine\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x01\x02\r\n\r\n",
    ],
)
def test_half_and_foreign_answers_are_transport_errors(client: JikanClient, reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        got = client.fetch("/anime", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread.join()
    assert got.outcome == "transport_error"
    assert got.message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Mon, 23 Nov 2026 12:00:40 GMT", 40.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e99", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(client: JikanClient, serve: Serve, header: str, seconds: float | None) -> None:
    date = "Mon, 23 Nov 2026 12:00:00 GMT"
    for status in (429, 503):
        got = client.fetch("/anime", base_url=serve(status, b"", Retry_After=header, Date=date))
        assert got.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("modified", "expires", "want"),
    [
        (
            "Thu, 07 May 2026 10:10:39 GMT",
            "Fri, 08 May 2026 10:10:39 GMT",
            (
                datetime(2026, 5, 7, 10, 10, 39, tzinfo=UTC),
                datetime(2026, 5, 8, 10, 10, 39, tzinfo=UTC),
            ),
        ),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 02 Jan 1970 00:00:00 GMT", (None, None)),
        ("Fri, 01 Jan 2100 00:00:00 GMT", "-1", (None, None)),
        ("yesterday", "0", (None, None)),
        ("Thu, 32 Foo 99999 00:00:00 GMT", "Thu, 07 May 99999999999999999999", (None, None)),
    ],
)
def test_dates_are_believed_only_when_sane(
    client: JikanClient, serve: Serve, modified: str, expires: str, want: tuple[Any, Any]
) -> None:
    url = serve(200, GOOD, Last_Modified=modified, Expires=expires)
    got = client.fetch("/anime", base_url=url)
    assert (got.last_modified, got.expires) == want


@pytest.mark.parametrize(
    ("encoding", "body", "outcome"),
    [
        ("gzip", gzip.compress(GOOD), "ok"),
        ("identity", GOOD, "ok"),
        ("gzip", GOOD, "invalid"),
        ("gzip", gzip.compress(GOOD)[:-4], "invalid"),
        ("br", GOOD, "invalid"),
        ("gzip, gzip", gzip.compress(gzip.compress(GOOD)), "invalid"),
    ],
    ids=["gzip", "identity", "not gzip", "half gzip", "br", "twice gzip"],
)
def test_content_encodings(
    client: JikanClient, serve: Serve, encoding: str, body: bytes, outcome: str
) -> None:
    got = client.fetch("/anime", base_url=serve(200, body, Content_Encoding=encoding))
    assert got.outcome == outcome
