"""An upstream that means harm, all the way: socket, client, lane, `record_response`, rows.

Whatever it sends, the lane goes on, what is good beside the bad is stored, what is bad is kept
with its reason, and the task ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import psycopg
import pytest

from pgjikan import db
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from tests.client.conftest import Serve
from tests.embedders.gemini_server import FAILURES, KEY, GeminiServer
from tests.security.conftest import Connection, Logins
from tests.store.documents import anime, entry, full
from tests.store.test_store_anime import store, value

GOOD = anime(1)
Ask = Callable[..., str | None]


@pytest.fixture
def serve() -> Iterator[Serve]:
    serve = Serve()
    yield serve
    serve.close()


@pytest.fixture
def ask(logins: Logins, connection: Connection, serve: Serve) -> Iterator[Ask]:
    """`ask(task, body, …)`: one task, one answer; what became of the task's last try."""
    connection.execute(
        "UPDATE jikan_sync.provider SET per_second = NULL, per_minute = NULL, per_day = NULL"
    )
    lane = JikanLane(db.connector(logins.sidecar, "jikan"), Settings(), Event(), "w")

    def run(
        task: str,
        body: bytes | str,
        status: int = 200,
        mal_id: int | None = None,
        payload: dict[str, Any] | None = None,
        **headers: str,
    ) -> str | None:
        raw = body.encode() if isinstance(body, str) else body
        url = serve(status, raw, **headers)
        connection.execute("UPDATE jikan_sync.provider SET base_url = %s WHERE enabled", [url])
        connection.execute("DELETE FROM jikan_sync.queue")
        connection.execute("DELETE FROM jikan_sync.breaker")
        connection.execute(
            "SELECT jikan_sync.enqueue(%s, %s, %s)", [task, mal_id, json.dumps(payload or {})]
        )
        assert lane.step(), "the task was taken"
        outcome = value(
            connection, "SELECT outcome FROM jikan_sync.queue_history ORDER BY id DESC LIMIT 1"
        )
        return None if outcome is None else str(outcome)

    yield run
    lane.close()


def page(*documents: str | dict[str, Any], pagination: str | None = None) -> str:
    items = [text if isinstance(text, str) else json.dumps(text) for text in documents]
    tail = f', "pagination": {pagination}' if pagination else ""
    return '{"data": [' + ", ".join(items) + "]" + tail + "}"


def bad(mal_id: int, field: str, text: str) -> str:
    """A document with the JSON text `text` in one field."""
    return json.dumps(anime(mal_id) | {field: "@@"}).replace('"@@"', text)


ODD = {
    "NUL": bad(2, "synopsis", r'"a\u0000b"'),
    "lone high surrogate": bad(2, "title", r'"a\ud800"'),
    "lone low surrogate": bad(2, "title_english", r'"\udc00a"'),
    "NUL in a key": json.dumps(anime(2))[:-1] + r', "a\u0000b": 1}',
    "surrogate in a key": json.dumps(anime(2))[:-1] + r', "\ud800": 1}',
    "a key twice": json.dumps(anime(2))[:-1] + ', "title": "Another", "score": 1}',
    "bidirectional": bad(2, "title", '"\u202e\u2066evil\u2069"'),
    "a long title": bad(2, "title", json.dumps("word " * 20_000)),
    "a title without spaces": bad(2, "title", json.dumps("x" * 100_000)),
    "a long synopsis": bad(2, "synopsis", json.dumps("very " * 100_000)),
    "many titles": bad(
        2,
        "titles",
        json.dumps([{"type": "Synonym", "title": f"Title {n}"} for n in range(2_000)]),
    ),
    "many genres": bad(2, "genres", json.dumps([entry(n, f"G{n}") for n in range(1, 2_000)])),
    "nested 40 deep": bad(2, "trailer", '{"a": ' * 40 + "1" + "}" * 40),
}
BAD = {
    "a word for a number": bad(2, "episodes", '"twelve"'),
    "a fraction of an episode": bad(2, "episodes", "1.5"),
    "a number too large": bad(2, "members", "99999999999"),
    "a huge score": bad(2, "score", "1e200"),
    "a score of 40 digits": bad(2, "score", "9" * 39),
    "an object for a title": bad(2, "title", '{"a": 1}'),
    "no title": bad(2, "title", "null"),
    "a list for a date": bad(2, "aired", "[]"),
    "no date": bad(2, "aired", '{"from": "the day before"}'),
    "a date out of range": bad(2, "aired", '{"from": "999999-01-01T00:00:00+00:00"}'),
    "numbers for genres": bad(2, "genres", "[1, 2]"),
    "a word for titles": bad(2, "titles", '"x"'),
    "an unknown season": bad(2, "season", '"monsoon"'),
    "a year out of range": bad(2, "year", "-5"),
}
NO_DOCUMENT = {
    "a number": "5",
    "a word": '"anime"',
    "null": "null",
    "a list": "[]",
    "nothing in it": "{}",
    "an id of words": bad(2, "mal_id", '"2"'),
    "a negative id": bad(2, "mal_id", "-2"),
    "an id too large": bad(2, "mal_id", "99999999999"),
    "a fraction for an id": bad(2, "mal_id", "2.5"),
}


def test_odd_documents_are_stored_and_bad_ones_kept_beside_them(
    ask: Ask, connection: Connection
) -> None:
    for name, document in {**ODD, **BAD, **NO_DOCUMENT}.items():
        connection.execute("DELETE FROM jikan.anime")
        connection.execute("DELETE FROM jikan_sync.rejected_document")
        assert ask("search", page(GOOD, document, anime(3)), payload=query(name)) == "done", name
        ids = [row[0] for row in connection.execute("SELECT mal_id FROM jikan.anime")]
        assert {1, 3} <= set(ids), name
        rejects = connection.execute("SELECT reason FROM jikan_sync.rejected_document").fetchall()
        assert (2 in ids) + len(rejects) == 1, (name, rejects)
        if name in ODD:
            assert 2 in ids, (name, rejects)
        if name in NO_DOCUMENT:
            assert len(rejects) == 1, name


def query(text: str) -> dict[str, Any]:
    return {"query": text, "query_key": text}


FAILS = {
    "nested 100,000 deep": '{"data": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "objects nested 5,000 deep": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "a number of a million digits": '{"data": [], "n": ' + "9" * 1_000_000 + "}",
    "a huge exponent": '{"data": [], "n": 1e999999999}',
    "infinity": '{"data": [], "n": Infinity}',
    "NaN": '{"data": [{"mal_id": NaN}]}',
    "a raw NUL": b'{"data": [], "n": "\x00"}',
    "nothing": "",
    "not JSON": "<html>",
    "another data": '{"data": 5}',
    "data twice": '{"data": [{"mal_id": 1}], "data": 1}',
    "UTF-16": '{"data": []}'.encode("utf-16"),
}


def test_what_is_no_answer_is_tried_again(ask: Ask, connection: Connection) -> None:
    for name, body in FAILS.items():
        assert ask("search", body, payload=query(name)) == "failed", name
        assert value(connection, "SELECT failures FROM jikan_sync.queue") == 1, name


MESSAGES = {
    "NUL": r'{"status": 500, "type": "X", "message": "a\u0000b"}',
    "surrogate": r'{"status": 500, "type": "X\ud800", "message": "\udc00"}',
    "raw NUL": b'{"status": 500}\x00',
    "bytes": b"\xff\xfe\x00\x80",
    "terminal": '{"status": 500, "message": "\u001b]0;owned\u0007\u202e"}',
    "formats": '{"status": 500, "message": "%s%n%I$L"}',
    "long": json.dumps({"status": 500, "message": "x" * 60_000}),
    "deep": '{"status": 500, "message": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "a huge status": '{"status": 1e400, "message": "x"}',
}


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_what_an_error_says_is_only_words(status: int, ask: Ask, connection: Connection) -> None:
    for name, body in MESSAGES.items():
        outcome = ask("search", body, status=status, payload=query(name))
        assert outcome in ("failed", "dead"), name
        message = value(
            connection, "SELECT message FROM jikan_sync.queue_history ORDER BY id DESC LIMIT 1"
        )
        assert len(message) < 400 and message.isprintable(), name


@pytest.mark.parametrize("after", ["1e9", "999999999999999999", "inf", "-1", "nan", "soon", "٣"])
def test_no_upstream_sends_a_task_away_for_good(
    after: str, ask: Ask, connection: Connection
) -> None:
    ask("search", "{}", status=429, payload=query("x"), Retry_After=after.encode().decode("latin1"))
    wait = value(connection, "SELECT ready_at - jikan_sync.clock_now() FROM jikan_sync.queue")
    assert timedelta(0) < wait < timedelta(days=2)


ADDRESSES = [
    "file:///etc/passwd", "ftp://example.org", "gopher://example.org", "javascript:alert(1)",
    "//example.org", "example.org/v4", "http://", "http:///v4", "HTTP://example.org",
    "http://user:word@example.org", "http://user@example.org/v4", "http://example.org/@v4",
    "http://example.org/v4?key=secret", "http://example.org/v4#key", "http://example.org/ v4",
    "http://example.org/v4\nHost: evil", "http://example.org\\@evil", "unix:/run/socket",
]  # fmt: skip


def test_a_provider_is_http_without_credentials(connection: Connection) -> None:
    for address in ADDRESSES:
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute("SELECT jikan_sync.set_provider('other', %s)", [address])
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("UPDATE jikan_sync.provider SET base_url = %s", [address])
    connection.execute("SELECT jikan_sync.set_provider('other', 'https://example.org:8443/v4')")


PAGINATIONS = [
    '{"has_next_page": true, "last_visible_page": "many"}',
    '{"has_next_page": true, "last_visible_page": 99999999999, "items": {"total": 1e40}}',
    '{"has_next_page": true, "last_visible_page": -1, "items": [1]}',
    '{"has_next_page": true, "last_visible_page": 1.5, "items": {"total": "x"}}',
    '{"has_next_page": true, "items": {"total": {"a": 1}}}',
]


def test_a_hostile_pagination_loses_no_document(ask: Ask, connection: Connection) -> None:
    for pagination in PAGINATIONS:
        connection.execute("DELETE FROM jikan.anime")
        connection.execute("DELETE FROM jikan_sync.sync_run")
        run = value(connection, "SELECT jikan_sync.start_sync_run('catalogue')")
        body = page(GOOD, pagination=pagination)
        assert ask("catalogue", body, payload={"page": 1, "run_id": run}) == "done", pagination
        assert value(connection, "SELECT count(*) FROM jikan.anime") == 1
        assert value(connection, "SELECT page_count FROM jikan_sync.sync_run") == 1
        next_page = "SELECT payload ->> 'page' FROM jikan_sync.queue WHERE task = 'catalogue'"
        assert value(connection, next_page) == "2"


def review(mal_id: Any, **changes: Any) -> dict[str, Any]:
    return {"mal_id": mal_id, "review": f"Review {mal_id}.", "score": 7, **changes}


def test_bad_reviews_and_pictures_leave_their_neighbours(ask: Ask, connection: Connection) -> None:
    store(connection, [GOOD])
    bads: list[Any] = [
        5, "x", None, [], {}, review("x"), review(2, score="high"), review(2, tags="x"),
        review(2, date="never"), review(2, score=1e20), review(10**30), review(2, user=5),
        review(2, review={"a": 1}), review(2, is_spoiler="perhaps"),
    ]  # fmt: skip
    for one in bads:
        body = page(review(1), json.dumps(one), review(3))
        assert ask("facet", body, mal_id=1, payload={"facet": "reviews"}) == "done", one
        found = connection.execute("SELECT review_mal_id FROM jikan.review").fetchall()
        assert {(1,), (3,)} <= set(found), one
    picture = {"jpg": {"image_url": "https://example.org/1.jpg"}}
    for one in (5, "x", None, [], {}):
        body = page(picture, json.dumps(one), picture)
        assert ask("facet", body, mal_id=1, payload={"facet": "images"}) == "done"
        assert value(connection, "SELECT count(*) FROM jikan.picture") >= 2


def test_a_full_document_with_rubbish_beside_its_core(ask: Ask, connection: Connection) -> None:
    """What can be stored of it is, or it is rejected as a whole; the task ends either way."""
    rubbish: list[Any] = [5, "x", [5], [[]], [{}], {"a": 1}, [{"relation": 5, "entry": 5}], None]
    for field in ("relations", "theme", "external", "streaming", "titles", "images"):
        for one in rubbish:
            body = json.dumps({"data": full(1, **{field: one})})
            assert ask("anime", body, mal_id=1) in ("done", "failed"), (field, one)
    body = json.dumps({"data": full(1)})
    assert ask("anime", body, mal_id=1) == "done"
    assert value(connection, "SELECT is_full FROM jikan.anime")


@pytest.fixture
def gemini() -> Iterator[GeminiServer]:
    server = GeminiServer()
    yield server
    server.close()


def test_a_hostile_embeddings_api(
    logins: Logins,
    connection: Connection,
    gemini: GeminiServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store(connection, [GOOD])
    value(
        connection,
        "SELECT jikan_sync.add_embedding_model('google', 'gemini-embedding-001', 768)",
    )
    connection.execute(
        "UPDATE jikan.embedding_model SET status = 'retired' WHERE status = 'active'"
    )
    connection.execute(
        "UPDATE jikan.embedding_model SET status = 'active' WHERE provider = 'google'"
    )
    settings = Settings.model_validate(
        {"PGJIKAN_GEMINI_API_KEY": KEY, "google_base_url": gemini.url}
    )
    lane = EmbeddingLane(db.connector(logins.sidecar, "embedding"), settings, Event(), "w")
    hostile: dict[str, tuple[int, Any, dict[str, str]]] = {
        "NUL": (500, {"error": {"message": "a\0b", "status": "x\0"}}, {}),
        "surrogate": (500, '{"error": {"message": "\\ud800"}}', {}),
        "for ever": (429, "x", {"Retry-After": "9" * 400}),
        "for ages": (
            429,
            {"error": {"details": [{"retryDelay": "9" * 300 + "s"}]}},
            {},
        ),
        "details": (400, {"error": {"details": [{"reason": ["a"]}, 5, None], "message": 5}}, {}),
        "violations": (429, {"error": {"details": [{"violations": 5}]}}, {}),
    }
    for name, answer in hostile.items():
        monkeypatch.setitem(FAILURES, name, answer)
        gemini.fault = name
        connection.execute("DELETE FROM jikan_sync.queue")
        connection.execute("SELECT jikan_sync.enqueue('embed', 1, priority => 'high')")
        connection.execute(
            "UPDATE jikan_sync.embedding_provider SET blocked_until = NULL, blocked_reason = NULL"
        )
        connection.execute(
            "UPDATE jikan_sync.rate_limit SET tat = '-infinity', paused_until = '-infinity'"
        )
        assert lane.step(), name
        wait = value(connection, "SELECT ready_at - jikan_sync.clock_now() FROM jikan_sync.queue")
        assert wait < timedelta(days=2), name
        blocked = value(
            connection,
            "SELECT max(blocked_until) - jikan_sync.clock_now() FROM jikan_sync.embedding_provider",
        )
        assert blocked is None or blocked < timedelta(days=2), name
    lane.close()
