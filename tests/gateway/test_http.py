"""The gateway over HTTP: caching, encodings, methods, and what it bears."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import select
import socket
import time
from collections.abc import Callable
from threading import Thread
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import requests
from psycopg.conninfo import make_conninfo

from pgjikan.gateway.database import Database
from tests.store.documents import anime, full

Connection = psycopg.Connection[Any]
Serve = Callable[..., str]
Store = Callable[..., None]


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={"Accept-Encoding": "identity", **headers}, timeout=30)


def test_a_title_is_answered_whatever_the_version(serve: Serve, store: Store) -> None:
    store(full(52991), source="full")
    root = serve()
    bodies = set()
    for prefix in ("/v4", "/v1", ""):
        answer = get(f"{root}{prefix}/anime/52991/full")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, s-maxage=86400"
        assert answer.headers["X-Cache-Status"] == "HIT"
        assert int(answer.headers["Age"]) >= 0
        assert all(name in answer.headers for name in ("Last-Modified", "Expires", "ETag"))
        bodies.add(answer.content)
    assert len(bodies) == 1
    # As Jikan was recorded naming this request.
    fingerprint = get(f"{root}/v4/anime/52991").headers["X-Request-Fingerprint"]
    assert fingerprint == "request:anime:f7dea255d2e324c9606dbcf1b5cf6ab2d7d65a64"


def test_who_has_it_is_not_sent_it_again(serve: Serve, store: Store) -> None:
    store(*[anime(n) for n in range(1, 30)])
    store(full(40), source="full")
    root = serve()
    for path in ("/v4/anime/1", "/v4/anime/1/full", "/v4/top/anime", "/v4/anime?q=bebop"):
        first = get(root + path)
        tag = first.headers["ETag"]
        again = get(root + path, **{"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["ETag"] == tag
        packed = get(root + path, **{"Accept-Encoding": "gzip"})
        assert packed.headers["ETag"] != tag  # other bytes, another tag
        packed_tag = packed.headers["ETag"]
        again = get(root + path, **{"Accept-Encoding": "gzip", "If-None-Match": f"W/{packed_tag}"})
        assert (again.status_code, again.headers["ETag"]) == (304, packed_tag), path
    # What is too small for gzip has one tag, and what one asks with is what one is answered with.
    small = get(f"{root}/v4/anime/40/external", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small.headers
    long = get(f"{root}/v4/top/anime")
    for url, had in (("/v4/anime/40/external", small), ("/v4/top/anime", long)):
        tag = had.headers["ETag"]
        again = get(root + url, **{"Accept-Encoding": "gzip", "If-None-Match": tag})
        assert (again.status_code, again.headers["ETag"]) == (304, tag), url
    tag = get(f"{root}/v4/anime/1").headers["ETag"]
    store(anime(1, score=9.99))
    changed = get(f"{root}/v4/anime/1", **{"If-None-Match": tag})
    assert (changed.status_code, changed.json()["data"]["score"]) == (200, 9.99)


def test_who_has_the_title_is_sent_the_whole_of_full(serve: Serve, store: Store) -> None:
    store(full(1), source="full")
    root = serve()
    tag = get(f"{root}/v4/anime/1").headers["ETag"]
    answer = get(f"{root}/v4/anime/1/full", **{"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (200, get(f"{root}/v4/anime/1/full").content)
    assert answer.json()["data"]["relations"]


def test_gzip_is_the_same_in_less(serve: Serve, store: Store) -> None:
    store(*[anime(n) for n in range(1, 26)])
    root = serve()
    plain = get(f"{root}/anime")
    with requests.get(f"{root}/anime", headers={"Accept-Encoding": "gzip"}, stream=True) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        raw = packed.raw.read()
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 5


def test_gzip_is_for_who_takes_it(serve: Serve, store: Store) -> None:
    store(*[anime(n) for n in range(1, 26)])
    url = f"{serve()}/anime"
    for accepted, wanted in (
        ("gzip", True), ("br, gzip;q=0.5", True), ("GZIP; q=1", True), ("*", True),
        ("gzip;q=0", False), ("gzip; q=0.000, br", False), ("*, gzip;q=0", False), ("*;q=0", False),
        ("br", False), ("notgzip", False),
    ):  # fmt: skip
        answer = get(url, **{"Accept-Encoding": accepted})
        assert ("Content-Encoding" in answer.headers) == wanted, accepted


def test_who_has_any_version_is_told_that_there_is_one(serve: Serve, store: Store) -> None:
    store(full(1), source="full")
    root = serve()
    for path in ("/anime/1", "/anime/1/full", "/top/anime", "/anime/1/themes"):
        answer = get(root + path, **{"If-None-Match": "*"})
        assert (answer.status_code, answer.content) == (304, b""), path
    assert get(f"{root}/anime/2", **{"If-None-Match": "*"}).status_code == 504


def test_methods(serve: Serve, store: Store) -> None:
    store(anime(1))
    url = f"{serve()}/v4/anime/1"
    whole = get(url)
    head = requests.head(url, headers={"Accept-Encoding": "identity"}, timeout=30)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))
    preflight = requests.options(
        url,
        headers={"Origin": "https://example.org", "Access-Control-Request-Method": "GET"},
        timeout=30,
    )
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = requests.request(method, url, timeout=30)
        assert refused.status_code == 405
        assert refused.json()["message"] == "Method Not Allowed"


def test_what_is_too_much_is_refused(serve: Serve) -> None:
    root = serve(max_head=40_000)
    assert get(f"{root}/v4/anime?q={'x' * 20_000}").status_code == 414
    body = requests.request("GET", f"{root}/v4/anime", data=b"x" * 1_000_000, timeout=30)
    assert body.status_code == 413
    said = talk(root, b"POST /v4/anime HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nx")
    assert said.startswith(b"HTTP/1.1 413")  # and closes: it would wait for the rest
    for odd in ("/v4/anime/%00", "/v4/%ff%fe", "/v4/anime/%2e%2e"):
        assert get(root + odd).status_code == 404, odd
    assert get(f"{root}/v4/anime?q=%00").status_code == 400
    assert get(f"{root}/v4/anime?%00=%ff&genres=%00").status_code == 200
    said = talk(root, b"nonsense\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"access-control-allow-origin: *\r\n" in said
    assert json.loads(said.partition(b"\r\n\r\n")[2])["status"] == 400
    last = b" HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert talk(root, b"GET /v4/anime/\xff\xfe" + last).startswith(b"HTTP/1.1 404")
    long_head = b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 100_000
    assert talk(root, long_head).startswith(b"HTTP/1.1 431")


def test_a_url_that_is_too_long_is_told_so_as_shipped(serve: Serve) -> None:
    root = serve()
    for size in (9_000, 100_000, 1_000_000):
        for _ in range(5):
            answer = get(f"{root}/v4/anime?q={'x' * size}")
            # By what came first, the end of the head or too much of it.
            assert answer.status_code in ((414,) if size < 16_000 else (414, 431)), size
            assert answer.json()["status"] == answer.status_code


def test_what_is_written_in_other_letters_is_read(serve: Serve, store: Store) -> None:
    store(anime(1, title="進撃の巨人"))
    root = serve()
    wanted = get(f"{root}/v4/anime?q=%E9%80%B2%E6%92%83")
    assert len(wanted.json()["data"]) == 1
    line = "GET /v4/anime?q=進撃".encode()
    one = line + b" HTTP/1.1\r\nHost: a\r\nX: \xe9\r\n\r\n"
    last = line + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    said = talk(root, one + one + last)
    assert (said.count(b"HTTP/1.1 200"), said.count(wanted.content)) == (3, 3)
    # In pieces, cut inside of a letter.
    address = urlsplit(root)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        for piece in (last[:17], last[17:]):
            connection.sendall(piece)
            time.sleep(0.1)
        heard = b""
        while chunk := connection.recv(65_536):
            heard += chunk
    assert heard.endswith(wanted.content)


def talk(root: str, said: bytes) -> bytes:
    """What comes back until the other side closes."""
    address = urlsplit(root)
    heard = b""
    # Less than the 30 seconds of keep-alive, which would hang up as well.
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(said)
        while chunk := connection.recv(65_536):
            heard += chunk
    return heard


def test_who_says_nothing_or_half_is_hung_up_on(serve: Serve, store: Store) -> None:
    store(anime(1))
    root = serve(idle_seconds=0.5)
    for half in (b"", b"GET /v4/anime/1 HT", b"GET /v4/anime/1 HTTP/1.1\r\nHost: a\r\nX"):
        with contextlib.suppress(ConnectionResetError):
            assert talk(root, half) == b""
    # A second request that stays half.
    whole = b"GET /v4/anime/1 HTTP/1.1\r\nHost: a\r\n\r\n"
    with contextlib.suppress(ConnectionResetError):
        assert talk(root, whole + b"GET /v4").startswith(b"HTTP/1.1 200")
    assert get(f"{root}/v4/anime/1").status_code == 200


def test_who_asks_and_does_not_read_is_hung_up_on(serve: Serve, store: Store) -> None:
    store(*[anime(n, synopsis="Long. " * 3_000) for n in range(1, 26)])
    root = serve(idle_seconds=1.0)
    address = urlsplit(root)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((address.hostname, address.port))
        deaf.sendall(b"GET /v4/anime HTTP/1.1\r\nHost: a\r\n\r\n" * 60)
        closed = select.poll()
        closed.register(deaf, select.POLLERR | select.POLLHUP)
        assert closed.poll(30_000)
    # Who reads slowly, but reads, is served to the end.
    said = b"GET /v4/anime HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((address.hostname, address.port))
        slow.sendall(said)
        time.sleep(0.5)
        heard = b""
        while chunk := slow.recv(65_536):
            heard += chunk
    assert heard.endswith(b"}")


def test_who_keeps_the_connection_has_the_whole_time_for_each_thing(
    serve: Serve, store: Store
) -> None:
    """Reading longer than one may idle, idling, then a head in two pieces: each within its time."""
    store(*[anime(n, synopsis="Long. " * 3_000) for n in range(1, 26)])
    address = urlsplit(serve(idle_seconds=1.0))
    with socket.socket() as patient:
        patient.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        patient.connect((address.hostname, address.port))
        patient.settimeout(30)
        patient.sendall(b"GET /v4/anime HTTP/1.1\r\nHost: a\r\n\r\n")
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += patient.recv(4_096)
        head, _, body = heard.partition(b"\r\n\r\n")
        size = int(re.findall(rb"content-length: (\d+)", head)[0])
        assert size > 400_000
        while len(body) < size:
            time.sleep(0.1)
            chunk = patient.recv(20_000)
            assert chunk, "cut off while it read"
            body += chunk
        time.sleep(0.7)
        patient.sendall(b"GET /v4/anime/1 HT")
        time.sleep(0.7)
        patient.sendall(b"TP/1.1\r\nHost: a\r\n\r\n")
        assert patient.recv(12) == b"HTTP/1.1 200"


def test_nobody_is_read_ahead_of_while_an_answer_waits(
    serve: Serve, store: Store, connection: Connection, fetching: None
) -> None:
    """Behind a request that waits: a head without an end, then more requests than anyone sends."""
    store(anime(1))
    address = urlsplit(serve())
    endless = b"a" * 1_000_000
    for before in (b"", b"GET /v4/anime/1 HTTP/1.1\r\nHost: a\r\n\r\n"):
        with socket.create_connection((address.hostname, address.port), timeout=2) as greedy:
            greedy.sendall(b"GET /v4/anime/7 HTTP/1.1\r\nHost: a\r\n\r\n")
            greedy.sendall(before + b"GET / HTTP/1.1\r\nX: ")
            taken = 0
            with pytest.raises((TimeoutError, ConnectionError)):
                while taken < 64_000_000:
                    greedy.sendall(endless)
                    taken += len(endless)
    many = b"GET /v4/anime/7 HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000
    said = talk(urlunsplit(address), many)
    assert said.startswith(b"HTTP/1.1 400")


def test_more_connections_than_allowed_are_closed(serve: Serve, store: Store) -> None:
    store(anime(1))
    root = serve(max_connections=20)
    address = urlsplit(root)
    idle = [
        socket.create_connection((address.hostname, address.port), timeout=30) for _ in range(60)
    ]
    closed = 0
    for connection in idle:
        connection.settimeout(0.2)
        try:
            closed += connection.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed += 1
    assert closed == 40
    for connection in idle:
        connection.close()
    assert get(f"{root}/v4/anime/1").status_code == 200


def test_health_and_metrics(serve: Serve, store: Store) -> None:
    store(anime(1))
    root = serve()
    assert get(f"{root}/healthz").text == "ok\n"
    assert get(f"{root}/readyz").json() == {"ready": True}
    get(f"{root}/v4/anime/1")
    text = get(f"{root}/metrics").text
    assert 'pgjikan_gateway_requests_total{cache="HIT",resource="anime",status="200"}' in text
    assert "pgjikan_gateway_sessions" in text


def test_without_a_database_it_says_so_and_comes_back(
    serve: Serve, store: Store, connection: Connection, database: str
) -> None:
    store(anime(1))
    away = serve(dsn=database.replace("dbname=", "dbname=not_"), answer_seconds=0.5)
    assert get(f"{away}/readyz").status_code == 503
    answer = get(f"{away}/v4/anime/1")
    assert (answer.status_code, answer.json()["status"]) == (503, 503)
    assert "Retry-After" in answer.headers
    here = serve()
    assert get(f"{here}/v4/anime/1").status_code == 200
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    for _ in range(50):
        if get(f"{here}/v4/anime/1").status_code == 200:
            break
    assert get(f"{here}/v4/anime/1").status_code == 200


def test_an_answer_has_its_limit_of_time_whatever_the_dsn_says(database: str) -> None:
    async def settings() -> Any:
        chosen = Database(make_conninfo(database, options="-c work_mem=8MB"), 1, 3.0)
        await chosen.open()
        try:
            return await chosen.row(
                "SELECT current_setting('statement_timeout'), current_setting('work_mem'),"
                " current_setting('synchronous_commit')",
                {},
            )
        finally:
            await chosen.close()

    assert asyncio.run(settings()) == ("3s", "8MB", "off")


@pytest.fixture
def fetching(connection: Connection) -> None:
    """A sidecar lives and an upstream can be asked, as far as the database knows."""
    connection.execute("SELECT jikan_sync.heartbeat('test', '{jikan}', '1')")


def test_a_miss_is_waited_for_once_by_all(
    serve: Serve, store: Store, connection: Connection, fetching: None
) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = '1 minute' WHERE name = 'v4_wait'")
    root = serve()
    answers: list[requests.Response] = []
    waiting = [Thread(target=lambda: answers.append(get(f"{root}/v4/anime/7"))) for _ in range(6)]
    for thread in waiting:
        thread.start()
    deadline = time.monotonic() + 60
    while "pgjikan_gateway_waiting 6.0" not in get(f"{root}/metrics").text:
        assert time.monotonic() < deadline
    store(full(7), source="full")
    connection.execute("NOTIFY anime_stored")
    for thread in waiting:
        thread.join()
    assert [a.status_code for a in answers] == [200] * 6
    assert {a.headers["X-Cache-Status"] for a in answers} == {"MISS"}
    assert get(f"{root}/v4/anime/7").headers["X-Cache-Status"] == "HIT"


def test_where_nothing_comes_the_recorded_504_does(
    serve: Serve, connection: Connection, fetching: None
) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = '0.3 s' WHERE name = 'v4_wait'")
    answer = get(f"{serve()}/v4/anime/7")
    assert answer.status_code == 504
    assert answer.json() == {
        "status": 504,
        "type": "BadResponseException",
        "message": "Jikan failed to connect to MyAnimeList. MyAnimeList may be down/unavailable "
        "or refuses to connect",
        "error": None,
    }
    assert int(answer.headers["Retry-After"]) > 0


def test_nobody_waits_where_nobody_fetches(serve: Serve, connection: Connection) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = '1 hour' WHERE name = 'v4_wait'")
    assert get(f"{serve()}/v4/anime/7").status_code == 504


def test_misses_of_a_client_are_limited_and_its_hits_are_not(
    serve: Serve, store: Store, connection: Connection, fetching: None
) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = '0.01 s' WHERE name = 'v4_wait'")
    store(anime(1))
    root = serve(misses_per_minute=3)
    statuses = [get(f"{root}/v4/anime/{n}").status_code for n in range(100, 110)]
    assert statuses == [504] * 3 + [429] * 7
    asked = connection.execute("SELECT count(*) FROM jikan_sync.queue").fetchone()
    assert asked is not None and asked[0] <= 4
    refused = get(f"{root}/v4/anime/100")
    assert refused.json()["type"] == "RateLimitException"
    assert "Retry-After" in refused.headers
    assert {get(f"{root}/v4/anime/1").status_code for _ in range(20)} == {200}


def test_a_full_document_is_worth_a_wait_but_not_more(
    serve: Serve, store: Store, connection: Connection, fetching: None
) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = '0.2 s' WHERE name = 'v4_wait'")
    store(anime(1))
    answer = get(f"{serve()}/v4/anime/1/full")
    assert answer.status_code == 200
    assert answer.headers["X-Cache-Status"] == "STALE"
    assert answer.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert "X-Request-Fingerprint" in answer.headers
    assert json.loads(answer.content)["data"]["relations"] == []


def test_each_who_waits_is_answered_by_what_he_has(
    serve: Serve, store: Store, connection: Connection, fetching: None
) -> None:
    """Who has what there is waits as long as the others, and is not sent it again."""
    connection.execute("UPDATE jikan_sync.setting SET value = '0.01 s' WHERE name = 'v4_wait'")
    store(anime(1))
    root = serve()
    url = f"{root}/v4/anime/1/full"
    old = get(url)
    connection.execute("UPDATE jikan_sync.setting SET value = '2 s' WHERE name = 'v4_wait'")

    def both(*happenings: Callable[[], None]) -> list[requests.Response]:
        answers: dict[str, requests.Response] = {}
        known = {"knowing": {"If-None-Match": old.headers["ETag"]}, "whole": {}}
        threads = [
            Thread(target=lambda n=name, h=headers: answers.update({n: get(url, **h)}))
            for name, headers in known.items()
        ]
        started = time.monotonic()
        for thread in threads:
            thread.start()
            time.sleep(0.3)  # so that it is the one who knows whose wait the other joins
        for happening in happenings:
            happening()
        for thread in threads:
            thread.join()
        assert happenings or time.monotonic() - started > 1.9
        return [answers["knowing"], answers["whole"]]

    knowing, whole = both()
    assert (knowing.status_code, knowing.content) == (304, b"")
    assert (whole.status_code, whole.content) == (200, old.content)
    connection.execute("UPDATE jikan_sync.setting SET value = '1 minute' WHERE name = 'v4_wait'")

    def come() -> None:
        store(full(1), source="full")
        connection.execute("NOTIFY anime_stored")

    for answer in both(come):
        assert (answer.status_code, answer.headers["X-Cache-Status"]) == (200, "MISS")
        assert answer.json()["data"]["relations"]


def test_a_no_is_said_at_once(
    serve: Serve, store: Store, connection: Connection, fetching: None
) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = '1 minute' WHERE name = 'v4_wait'")
    store(full(1), source="full")
    root = serve()

    def after(path: str, *happenings: str) -> tuple[int, float]:
        """Status and seconds of a request, while whose wait something happens."""
        answers: list[requests.Response] = []
        started = time.monotonic()
        thread = Thread(target=lambda: answers.append(get(root + path)))
        thread.start()
        while happenings and "pgjikan_gateway_waiting 1.0" not in get(f"{root}/metrics").text:
            assert time.monotonic() < started + 30
        for happening in happenings:
            connection.execute(happening)
        thread.join()
        return answers[0].status_code, time.monotonic() - started

    # A search that an upstream answered with nothing: the first asker hears it when it is known.
    known = (
        "SELECT jikan_sync.fold_wishes()",
        "SELECT jikan_sync.learn_search('no such title at all', '{}')",
    )
    for happenings in (known, ()):
        status, seconds = after("/v4/anime?q=no+such+title+at+all", *happenings)
        assert (status, seconds < 20) == (200, True)
    # A facet that is not there, and one whose task failed and rests.
    for happenings in (("SELECT jikan_sync.note_answer('staff', 1, 'not_found')",), ()):
        _, seconds = after("/v4/anime/1/staff", *happenings)
        assert seconds < 20
    rests = (
        "SELECT jikan_sync.fold_wishes()",
        "UPDATE jikan_sync.queue SET failures = 1,"
        " ready_at = jikan_sync.clock_now() + interval '1 hour'",
    )
    for happenings in (rests, ()):
        status, seconds = after("/v4/anime/1/news", *happenings)
        assert (status, seconds < 20) == (504, True)


@pytest.mark.parametrize(
    ("trusted", "statuses"),
    [("", [504, 429, 429, 429]), ("127.0.0.0/8", [504, 504, 504, 429])],
)
def test_behind_a_proxy_each_of_its_clients_has_its_own_limits(
    serve: Serve, connection: Connection, fetching: None, trusted: str, statuses: list[int]
) -> None:
    """Only where the proxy is trusted: whoever else names a client is that one itself."""
    connection.execute("UPDATE jikan_sync.setting SET value = '0.01 s' WHERE name = 'v4_wait'")
    root = serve(misses_per_minute=1, trusted_proxy=trusted)
    clients = ("192.0.2.1", "192.0.2.2", "192.0.2.9, 192.0.2.3", "192.0.2.3")
    seen = [
        requests.get(
            f"{root}/v4/anime/{100 + number}", headers={"X-Forwarded-For": client}, timeout=30
        ).status_code
        for number, client in enumerate(clients)
    ]
    assert seen == statuses
