"""What a gateway keeps of its answers: said again without asking, and never after a change."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import requests
from psycopg.conninfo import make_conninfo

from pgjikan.gateway.kept import Kept, Request, Sent
from pgjikan.gateway.refusals import Reply
from tests.sidecar.conftest import wait_until
from tests.store.documents import anime, full

Connection = psycopg.Connection[Any]
Serve = Callable[..., str]
Store = Callable[..., None]

#: What `anime.v4` reads of the mirror; a write to any of them may change an answer.
TABLES = (
    "anime", "facet_document", "link", "list_document", "picture", "relation", "review",
    "theme_song", "title", "v4_row",
)  # fmt: skip


def kept_count(root: str) -> float:
    """How many requests were answered from what was kept, so far."""
    found = re.search(
        r"^pgjikan_gateway_kept_total (\S+)", requests.get(f"{root}/metrics", timeout=30).text, re.M
    )
    return float(found[1]) if found else 0.0


def keep_long(connection: Connection) -> None:
    """So long that only a change ends it within a test."""
    connection.execute("UPDATE jikan_sync.setting SET value = '10 s' WHERE name = 'v4_keep'")


def is_kept(root: str, path: str, **headers: str) -> bool:
    """Whether a second request is answered from what was kept of the first."""
    requests.get(f"{root}{path}", headers=headers, timeout=30)
    before = kept_count(root)
    requests.get(f"{root}{path}", headers=headers, timeout=30)
    return kept_count(root) == before + 1


@pytest.fixture
def root(serve: Serve, store: Store, connection: Connection) -> str:
    """A gateway that keeps title 1 for ten seconds, and hears already."""
    store(full(1), source="full")
    keep_long(connection)
    url = serve()
    wait_until(lambda: is_kept(url, "/v4/anime/1"))
    return url


def test_the_same_is_said_again(root: str) -> None:
    for path in ("/v4/anime/1/full", "/v4/top/anime", "/v4/anime?q=bebop", "/v4/seasons"):
        first = requests.get(f"{root}{path}", timeout=30)
        before = kept_count(root)
        again = requests.get(f"{root}{path}", timeout=30)
        assert kept_count(root) == before + 1, path
        assert again.content == first.content
        assert dict(again.headers) | {"date": ""} == dict(first.headers) | {"date": ""}
        tag = {"If-None-Match": first.headers["ETag"]}
        assert is_kept(root, path, **tag)
        unchanged = requests.get(f"{root}{path}", headers=tag, timeout=30)
        assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_who_has_what_is_kept_is_told_so_as_the_database_would(
    serve: Serve, root: str, coding: str
) -> None:
    url, takes = f"{root}/v4/anime/1", {"Accept-Encoding": coding}
    tag = requests.get(url, headers=takes, timeout=30).headers["ETag"]
    for known in (tag, f'"other", W/{tag}'):
        asked = requests.get(
            f"{serve()}/v4/anime/1", headers={**takes, "If-None-Match": known}, timeout=30
        )
        requests.get(url, headers=takes, timeout=30)
        before = kept_count(root)
        kept = requests.get(url, headers={**takes, "If-None-Match": known}, timeout=30)
        assert kept_count(root) == before + 1
        assert (kept.status_code, kept.content) == (304, b"")
        times = {"date": "", "age": ""}
        assert dict(kept.headers) | times == dict(asked.headers) | times
    other = requests.get(url, headers={**takes, "If-None-Match": '"other"'}, timeout=30)
    assert (other.status_code, other.headers["ETag"]) == (200, tag)


def test_each_gets_the_coding_that_it_takes(root: str) -> None:
    for accepted, coding in (("identity", None), ("gzip", "gzip"), ("identity", None)):
        answer = requests.get(
            f"{root}/v4/anime/1", headers={"Accept-Encoding": accepted}, timeout=30
        )
        assert answer.headers.get("Content-Encoding") == coding
        assert answer.json()["data"]["mal_id"] == 1
    head = requests.head(f"{root}/v4/anime/1", timeout=30)
    assert (head.status_code, head.content) == (200, b"")


def test_a_change_ends_it(root: str, store: Store) -> None:
    """Ten seconds are long: only the notification can be what ended it."""

    def title() -> Any:
        answer = requests.get(f"{root}/v4/anime/1", timeout=30).json()
        return answer["data"]["title"]

    for number in range(5):
        assert is_kept(root, "/v4/anime/1")
        store(full(1, title=f"Title {number}"), source="full")
        wait_until(lambda n=number: title() == f"Title {n}", seconds=5)


@pytest.mark.parametrize("table", TABLES)
def test_each_table_says_that_it_changed(connection: Connection, table: str) -> None:
    connection.execute("LISTEN anime_changed")
    connection.execute(f"DELETE FROM jikan.{table} WHERE false".encode())
    assert [n.channel for n in connection.notifies(timeout=5, stop_after=1)] == ["anime_changed"]


def test_bulk_notifies_once(connection: Connection, store: Store) -> None:
    connection.execute("LISTEN anime_changed")
    with connection.transaction():
        for mal_id in range(1, 20):
            store(anime(mal_id))
    assert len(list(connection.notifies(timeout=1))) == 1


def make_stale(connection: Connection, mal_id: int) -> None:
    connection.execute(
        "UPDATE jikan.anime SET last_jikan_sync = last_jikan_sync - interval '1 year'"
        " WHERE mal_id = %s",
        [mal_id],
    )


def wish_count(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM jikan_sync.wish").fetchone()
    assert row is not None
    return int(row[0])


def test_what_is_stale_is_said_again_as_such(
    root: str, connection: Connection, store: Store
) -> None:
    """Old, or without the parts that only a full document has: asked for once, ended by it."""
    store(anime(2))
    store(anime(3))
    make_stale(connection, 3)
    for mal_id, path in ((2, "/v4/anime/2/full"), (3, "/v4/anime/3")):
        before = wish_count(connection)
        assert is_kept(root, path)
        assert wish_count(connection) == before + 1
        answer = requests.get(f"{root}{path}", timeout=30)
        assert answer.headers["X-Cache-Status"] == "STALE"
        assert answer.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert is_kept(root, path, **{"If-None-Match": answer.headers["ETag"]})
        store(full(mal_id), source="full")

        def status(path: str = path) -> str:
            return requests.get(f"{root}{path}", timeout=30).headers["X-Cache-Status"]

        wait_until(lambda: status() == "HIT", seconds=5)


def test_what_nobody_asked_for_is_said_again_only_to_who_cannot_ask(
    serve: Serve, store: Store, connection: Connection
) -> None:
    """Else who has caused too many misses keeps the others from having it refreshed."""
    store(anime(1))
    keep_long(connection)
    root = serve(misses_per_minute=1, trusted_proxy="127.0.0.0/8")
    limited, other = ({"X-Forwarded-For": f"192.0.2.{number}"} for number in (1, 2))
    assert requests.get(f"{root}/v4/anime/9", headers=limited, timeout=30).status_code == 504
    wait_until(lambda: is_kept(root, "/v4/anime/1/full", **limited))
    before, wishes = kept_count(root), wish_count(connection)
    for asker in (other, limited, other):
        answer = requests.get(f"{root}/v4/anime/1/full", headers=asker, timeout=30)
        assert answer.headers["X-Cache-Status"] == "STALE"
    assert kept_count(root) == before + 2
    assert wish_count(connection) == wishes + 1


def test_what_is_not_to_be_kept(connection: Connection, store: Store) -> None:
    """Missing, random, refused, awaited: the database gives it no time."""
    store(full(1), source="full")
    store(anime(2))
    make_stale(connection, 2)

    def keep_for(path: str, **query: str) -> Any:
        row = connection.execute(
            "SELECT r.status, r.keep_for FROM anime.v4(%s, %s::jsonb) AS r",
            [path, json.dumps(query)],
        ).fetchone()
        assert row is not None
        return row[0], None if row[1] is None else row[1].total_seconds()

    assert keep_for("/anime/1") == (200, 1)
    assert keep_for("/anime/1/full") == (200, 1)
    assert keep_for("/anime/2") == (200, 1)
    assert keep_for("/anime/2/full") == (200, 1)
    assert keep_for("/anime/3") == (504, None)
    assert keep_for("/anime/1/episodes") == (504, None)
    assert keep_for("/random/anime") == (200, None)
    assert keep_for("/anime/1/nothing") == (404, None)
    assert keep_for("/top/anime", page="0") == (400, None)
    assert keep_for("/anime", q="nobody knows this") == (200, 1)
    connection.execute("SELECT jikan_sync.heartbeat('test', '{jikan}', '1')")
    assert keep_for("/anime/2/full") == (200, None)
    assert keep_for("/anime", q="nobody knows that") == (200, None)
    connection.execute("UPDATE jikan_sync.setting SET value = '0' WHERE name = 'v4_keep'")
    assert keep_for("/anime/1") == (200, 0)


def test_none_is_kept_where_the_setting_says_so(
    serve: Serve, store: Store, connection: Connection, root: str
) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = '0' WHERE name = 'v4_keep'")
    store(anime(1))
    wait_until(lambda: not is_kept(root, "/v4/anime/1"), seconds=15)
    for _ in range(3):
        assert not is_kept(root, "/v4/anime/1")


def test_who_hears_nothing_keeps_nothing(
    root: str, connection: Connection, database: str, store: Store
) -> None:
    """The ear is cut off and cannot come back: what is kept could not be ended."""
    name = connection.info.dbname
    with psycopg.connect(make_conninfo(database, dbname="postgres"), autocommit=True) as outside:
        outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        try:
            cut = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            ).fetchall()
            assert cut == [(True,)]
            wait_until(lambda: not is_kept(root, "/v4/anime/1"), seconds=9)
            store(full(1, title="Unheard"), source="full")
            answer = requests.get(f"{root}/v4/anime/1", timeout=30).json()
            assert answer["data"]["title"] == "Unheard"
        finally:
            outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    wait_until(lambda: is_kept(root, "/v4/anime/1"))


REQUEST = Request("GET", b"/v4/anime/1", b"", None, None)


def sent(size: int = 10, keep_for: float = 10.0) -> Sent:
    return Sent(Reply(200, b"", {}, keep_for), [], b"x" * size)


def test_an_answer_begun_before_a_change_is_not_kept() -> None:
    kept = Kept()
    kept.hear(True)
    before = kept.changes
    kept.forget()
    kept.put(REQUEST, sent(), before)
    assert kept.find(REQUEST) is None
    kept.put(REQUEST, sent(), kept.changes)
    assert kept.find(REQUEST) is not None
    kept.hear(False)
    assert kept.find(REQUEST) is None
    kept.put(REQUEST, sent(), kept.changes)
    assert kept.find(REQUEST) is None


def test_it_is_bounded_and_the_least_asked_goes_first() -> None:
    kept = Kept(most_bytes=50_000)
    kept.hear(True)
    for number in range(1000):
        request = Request("GET", b"/v4/anime/%d" % number, b"", None, None)
        kept.put(request, sent(3_000), kept.changes)
        kept.put(REQUEST, sent(5), kept.changes) if number == 0 else kept.find(REQUEST)
    assert 5 <= len(kept) <= 10
    assert kept.find(REQUEST) is not None
    assert kept.find(Request("GET", b"/v4/anime/999", b"", None, None)) is not None
    assert kept.find(Request("GET", b"/v4/anime/900", b"", None, None)) is None
    kept.put(Request("GET", b"/v4/large", b"", None, None), sent(60_000), kept.changes)
    assert len(kept) == 0


def test_what_is_packed_is_kept_packed_alone() -> None:
    """Else the bound, which counts what goes out, would hold a fraction of what is there."""
    packed = Sent.of(Reply(200, b"x" * 100_000, {"ETag": '"a"'}), {b"accept-encoding": b"gzip"})
    assert len(packed.body) + len(packed.reply.body) < 1_000


def test_it_ages(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    kept.hear(True)
    said = Sent.of(Reply(200, b"{}", {"Age": "41", "ETag": '"a"'}, 10.0), {})
    kept.put(REQUEST, said, kept.changes)
    now = time.monotonic()
    for seconds, age in ((0, b"41"), (1.5, b"42"), (9, b"50")):
        clock = SimpleNamespace(monotonic=lambda s=seconds: now + s)
        monkeypatch.setattr("pgjikan.gateway.kept.time", clock)
        found = kept.find(REQUEST)
        assert found is not None
        assert dict(found.headers) == dict(said.headers) | {b"age": age}


def test_it_ends_by_itself() -> None:
    kept = Kept()
    kept.hear(True)
    kept.put(REQUEST, sent(keep_for=1e-9), kept.changes)
    assert kept.find(REQUEST) is None
    assert len(kept) == 0
    kept.put(REQUEST, sent(keep_for=0.0), kept.changes)
    assert len(kept) == 0


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("OPTIONS", {}),
        ("GET", {b"content-length": b"3"}),
        ("GET", {b"transfer-encoding": b"chunked"}),
    ],
)
def test_what_is_refused_is_not_looked_up(method: str, headers: dict[bytes, bytes]) -> None:
    assert Request.of(method, b"/v4/anime/1", b"", headers) is None
