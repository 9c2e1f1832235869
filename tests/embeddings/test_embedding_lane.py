"""The lane with real embedders: the local model, and Google's packages against a stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Event

import psycopg
import pytest
from gemini_server import GeminiServer
from tests.vector_steps import Connection, store, value

from pgjikan.cli import app
from pgjikan.embedding_lane import EmbeddingLane

Open = Callable[..., EmbeddingLane]
FRESH = "SELECT count(*) FROM jikan.anime WHERE sync_status = 'fresh'"
LIVE = "SELECT count(*) FROM jikan_sync.queue WHERE lane = 'embedding'"
REASON = "SELECT blocked_reason FROM jikan_sync.embedding_provider WHERE name = 'google'"


@pytest.fixture
def google(connection: Connection) -> Connection:
    """A database whose one model is Google's, of 4 dimensions."""
    connection.execute("DELETE FROM jikan_sync.rate_limit WHERE subject = 'embedding:google'")
    model = value(
        connection, "SELECT jikan_sync.add_embedding_model('google', 'gemini-embedding-001', 4)"
    )
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s, true)", [model])
    connection.execute("SELECT jikan_sync.drop_embedding_model(1)")
    return connection


def test_the_local_model_makes_titles_recommendable(
    connection: Connection, open_lane: Open
) -> None:
    store(
        connection,
        {
            "mal_id": 1,
            "title": "Uchuu Senkan",
            "synopsis": "A battleship in space.",
        },
        {"mal_id": 2, "title": "Ginga Eiyuu", "synopsis": "Space fleets and battleships at war."},
        {"mal_id": 3, "title": "Pan no Hi", "synopsis": "A baker makes bread in a small town."},
    )
    lane = open_lane()
    assert lane.step()
    assert not lane.step()
    assert value(connection, FRESH) == 3
    assert value(connection, "SELECT mal_id FROM anime.similar(1, max_rows => 1)") == 2
    call = "SELECT mal_id FROM anime.search_semantic('war of the stars')"
    connection.execute(call.encode())
    assert lane.step()
    assert value(connection, call) == 2


def test_an_idle_lane_has_its_model_ready(
    connection: Connection, open_lane: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = open_lane()
    assert not lane.step()
    monkeypatch.setattr("pgjikan.embedding_lane.load_embedder", None)  # none is loaded from now on
    store(connection, {"mal_id": 1})
    assert lane.step()
    assert value(connection, FRESH) == 1


def test_google_is_told_the_purpose(
    google: Connection, gemini: GeminiServer, open_lane: Open
) -> None:
    store(google, {"mal_id": 1, "synopsis": "Ships."}, {"mal_id": 2})
    lane = open_lane()
    assert lane.step()
    [request] = gemini.received
    assert [one["taskType"] for one in request.requests] == ["RETRIEVAL_DOCUMENT"] * 2
    assert value(google, FRESH) == 2
    google.execute("SELECT FROM anime.search_semantic('ships')")
    assert lane.step()
    assert gemini.received[1].requests[0]["taskType"] == "RETRIEVAL_QUERY"
    assert not lane.step()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("minute quota", "rate_limited"),
        ("bare 429", "rate_limited"),
        ("day quota", "quota_exhausted"),
        ("403", "unauthorised"),
        ("bad key", "unauthorised"),
        ("500", "provider_error"),
    ],
)
def test_a_provider_that_fails_is_left_alone_and_nothing_is_lost(
    google: Connection,
    gemini: GeminiServer,
    open_lane: Open,
    set_clock: Callable[[str], None],
    fault: str,
    reason: str,
) -> None:
    set_clock("2026-01-01 00:00Z")
    store(google, {"mal_id": 1}, {"mal_id": 2})
    gemini.fault = fault
    lane = open_lane()
    assert lane.step()
    assert not lane.step()
    assert len(gemini.received) == 1
    assert value(google, REASON).startswith(reason)
    gemini.fault = None
    set_clock("2026-01-03 00:00Z")
    while lane.step():
        pass
    assert value(google, FRESH) == 2
    assert value(google, REASON) is None
    assert (
        value(google, "SELECT count(*) FROM jikan_sync.queue_history WHERE outcome = 'dead'") == 0
    )


@pytest.mark.parametrize("fault", ["short batch", "wrong dimensions", "NaN", "bad request"])
def test_an_answer_that_cannot_be_used_is_not_stored(
    google: Connection, gemini: GeminiServer, open_lane: Open, fault: str
) -> None:
    store(google, {"mal_id": 1}, {"mal_id": 2})
    gemini.fault = fault
    lane = open_lane()
    assert lane.step()
    assert value(google, "SELECT count(*) FROM jikan.embedding") == 0
    gemini.fault = None
    while lane.step():
        pass
    assert value(google, FRESH) == 2  # in smaller company, each of them


def test_a_missing_key_blocks_the_provider_and_says_so(google: Connection, open_lane: Open) -> None:
    store(google, {"mal_id": 1})
    lane = open_lane(PGJIKAN_GEMINI_API_KEY=None)
    assert lane.step()
    assert not lane.step()
    assert "key" in value(google, REASON).lower()
    assert value(google, LIVE) == 1


def test_vectors_paid_for_survive_a_lost_connection(
    google: Connection, gemini: GeminiServer, open_lane: Open
) -> None:
    store(google, {"mal_id": 1})
    lane = open_lane("unlucky")
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'unlucky'"
    )
    embed = lane._embed
    lane._embed = lambda texts: (embed(texts), google.execute(kill))[0]  # type: ignore[method-assign]
    with pytest.raises(psycopg.OperationalError):
        lane.step()
    lane._embed = embed  # type: ignore[method-assign]
    lane.step()
    assert value(google, FRESH) == 1
    assert len(gemini.received) == 1


def test_a_stop_gives_the_batch_back(
    google: Connection, open_lane: Open, set_clock: Callable[[str], None]
) -> None:
    store(google, {"mal_id": 1})
    stop = Event()
    stop.set()
    assert not open_lane(stop=stop).step()
    assert value(google, "SELECT count(*) FROM jikan_sync.queue WHERE lease_token IS NOT NULL") == 0


def run(database: str, *words: str) -> str:
    """What `pgjikan embeddings …` prints."""
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, ["embeddings", *words, "--dsn", database])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_the_life_of_a_model_on_the_command_line(
    connection: Connection,
    database: str,
    gemini: GeminiServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGJIKAN_GEMINI_API_KEY", "a key")
    monkeypatch.setenv("PGJIKAN_GOOGLE_BASE_URL", gemini.url)
    connection.execute("DELETE FROM jikan_sync.rate_limit WHERE subject = 'embedding:google'")
    store(connection, {"mal_id": 1}, {"mal_id": 2})
    assert "2 of 2" in run(database, "backfill", "1")
    added = run(database, "add", "google", "gemini-embedding-001", "768", "--price", "0.15")
    assert "model 2 added" in added
    estimate = json.loads(run(database, "backfill", "2", "--estimate", "--json"))
    assert estimate["text_count"] == 2
    assert gemini.received == []  # nothing was spent
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        run(database, "switch", "2")
    assert json.loads(run(database, "backfill", "gemini-embedding-001", "--json"))["queued"] == 2
    assert len(gemini.received) == 1
    assert "active" in run(database, "switch", "google/gemini-embedding-001")
    rows = json.loads(run(database, "status", "--json"))
    assert [(row["status"], row["coverage"]) for row in rows] == [("retired", 1.0), ("active", 1.0)]
    assert "dropped" in run(database, "drop", "1", "--yes")
    assert value(connection, "SELECT count(*) FROM anime.similar(1)") == 1


def test_a_backfill_stops_with_the_reason_when_the_provider_is_down(
    google: Connection, database: str, gemini: GeminiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pgjikan.errors import PgjikanError

    monkeypatch.setenv("PGJIKAN_GEMINI_API_KEY", "a key")
    monkeypatch.setenv("PGJIKAN_GOOGLE_BASE_URL", gemini.url)
    store(google, {"mal_id": 1})
    gemini.fault = "day quota"
    with pytest.raises(PgjikanError, match="quota_exhausted") as caught:
        run(database, "backfill", "gemini-embedding-001")
    assert caught.value.hint and "same command" in caught.value.hint
    assert value(google, LIVE) == 1
