"""The life of a model: added, filled beside the other, switched to and back, dropped."""

from __future__ import annotations

import psycopg
import pytest
from tests.vector_steps import Connection, add_model, answer, claim, store, unit, value


def fill(connection: Connection) -> None:
    while texts := claim(connection):
        answer(connection, texts)


def test_documents_are_embedded_for_both_models_during_a_backfill(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    fill(connection)
    other = add_model(connection)
    store(connection, {"mal_id": 2})
    fill(connection)
    assert connection.execute(
        "SELECT model_id, count(*) FROM jikan.embedding GROUP BY model_id ORDER BY model_id"
    ).fetchall() == [(1, 2), (other, 1)]
    assert value(connection, "SELECT jikan_sync.backfill_embeddings(%s)", other) == 1
    fill(connection)
    assert (
        value(connection, "SELECT current_count FROM jikan_sync.embedding_coverage(%s)", other) == 2
    )
    assert value(connection, "SELECT count(*) FROM jikan_sync.queue") == 0


def test_a_backfill_asks_only_for_what_is_missing(connection: Connection) -> None:
    store(connection, *({"mal_id": number} for number in range(1, 41)))
    fill(connection)
    other = add_model(connection)
    row = connection.execute("SELECT * FROM jikan_sync.estimate_backfill(%s)", [other]).fetchone()
    assert row is not None
    assert row[:2] == (40, 2)
    assert (
        value(connection, "SELECT count(*) FROM jikan_sync.queue") == 0
    )  # an estimate queues nothing
    connection.execute("SELECT jikan_sync.backfill_embeddings(%s)", [other])
    answer(connection, claim(connection))  # interrupted after one batch
    assert value(connection, "SELECT text_count FROM jikan_sync.estimate_backfill(%s)", other) == 8
    connection.execute("SELECT jikan_sync.backfill_embeddings(%s)", [other])
    assert len(claim(connection)) == 8


def test_an_estimate_knows_price_and_limits(connection: Connection) -> None:
    store(connection, *({"mal_id": n, "synopsis": "x" * 1600} for n in range(1, 101)))
    model = value(connection, "SELECT jikan_sync.add_embedding_model('google', 'g', 768, 1000)")
    row = connection.execute(
        "SELECT text_count, token_count, cost, duration FROM jikan_sync.estimate_backfill(%s)",
        [model],
    ).fetchone()
    assert row is not None
    texts, tokens, cost, duration = row
    assert texts == 100
    assert 40_000 < tokens < 42_000
    assert float(cost) == pytest.approx(tokens / 1000, abs=1)
    # 7,500 at once, the rest so that no sliding minute holds more than 30,000.
    assert duration.total_seconds() == pytest.approx((tokens - 7_500) / 22_200 * 60, abs=2)


def test_a_switch_needs_coverage_and_has_a_way_back(connection: Connection) -> None:
    store(connection, {"mal_id": 1}, {"mal_id": 2})
    fill(connection)
    other = add_model(connection)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="0 of 2"):
        connection.execute("SELECT jikan_sync.switch_embedding_model(%s)", [other])
    connection.execute("SELECT jikan_sync.backfill_embeddings(%s)", [other])
    fill(connection)
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s)", [other])
    assert value(connection, "SELECT jikan_sync.active_model_id()") == other
    assert value(connection, "SELECT count(*) FROM anime.similar(1)") == 1
    connection.execute("SELECT jikan_sync.switch_embedding_model(1)")
    assert value(connection, "SELECT jikan_sync.active_model_id()") == 1
    assert connection.execute(
        "SELECT status FROM jikan.embedding_model ORDER BY id"
    ).fetchall() == [("active",), ("retired",)]


def test_a_retired_model_is_left_alone_until_it_is_backfilled(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    fill(connection)
    other = add_model(connection)
    connection.execute("SELECT jikan_sync.backfill_embeddings(%s)", [other])
    fill(connection)
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s)", [other])
    store(connection, {"mal_id": 2})
    fill(connection)
    assert value(connection, "SELECT count(*) FROM jikan.embedding WHERE model_id = 1") == 1
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        connection.execute("SELECT jikan_sync.switch_embedding_model(1)")
    connection.execute("SELECT jikan_sync.backfill_embeddings(1)")
    fill(connection)
    connection.execute("SELECT jikan_sync.switch_embedding_model(1)")


def test_vectors_of_two_models_are_never_compared(connection: Connection) -> None:
    store(connection, {"mal_id": 1}, {"mal_id": 2}, {"mal_id": 3})
    texts = claim(connection)
    answer(connection, texts[:2], [unit(1.0), unit(1.0)])
    answer(connection, texts[2:], [unit(0.0, 1.0)])
    other = add_model(connection, dimensions=512)  # even of equal dimensions
    connection.execute("SELECT jikan_sync.backfill_embeddings(%s)", [other])
    texts = claim(connection)
    vectors = {1: unit(1.0), 2: unit(0.0, 1.0), 3: unit(1.0)}
    ids = dict(connection.execute("SELECT id, mal_id FROM jikan.anime").fetchall())
    answer(connection, texts, [vectors[ids[text.anime_id]] for text in texts])
    nearest = "SELECT mal_id FROM anime.similar(1, max_rows => 1)"
    assert value(connection, nearest) == 2
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s)", [other])
    assert value(connection, nearest) == 3


def test_dropping_a_model_drops_its_partition(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    fill(connection)
    other = add_model(connection)
    fill(connection)
    connection.execute("SELECT jikan_sync.drop_embedding_model(%s)", [other])
    assert value(connection, "SELECT to_regclass('jikan.embedding_' || %s)", other) is None
    assert value(connection, "SELECT count(*) FROM jikan.embedding_model") == 1
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="active"):
        connection.execute("SELECT jikan_sync.drop_embedding_model(1)")


@pytest.mark.parametrize(
    "arguments",
    [
        "'nobody', 'm', 3",
        "'local', '', 3",
        "'local', 'm', 0",
        "'local', 'm', 4001",
        "'local', 'm', 3, -1",
        "'local', 'universal-sentence-encoder-multilingual-3', 512",
    ],
)
def test_an_impossible_model_is_refused(connection: Connection, arguments: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        connection.execute(f"SELECT jikan_sync.add_embedding_model({arguments})".encode())
    assert caught.value.diag.message_hint


def test_a_model_is_found_by_any_of_its_names(connection: Connection) -> None:
    other = add_model(connection, "small", 3)
    add_model(connection, "small", 4)
    find = "SELECT (jikan_sync.find_embedding_model(%s)).id"
    assert value(connection, find, "1") == 1
    assert value(connection, find, "local/universal-sentence-encoder-multilingual-3") == 1
    assert value(connection, find, "local/small/3") == other
    for name in ("small", "nothing"):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute(find, [name])


def test_status_tells_all(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    row = connection.execute(
        "SELECT title_count, current_count, coverage, waiting_count, dead_count"
        " FROM jikan_sync.embedding_status()"
    ).fetchone()
    assert row == (1, 0, 0.0, 1, 0)
