"""The right vector beside the right text, whoever is late, killed, or second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from tests.vector_steps import (
    Connection,
    add_model,
    answer,
    claim,
    fail,
    set_setting,
    store,
    unit,
    value,
)

STATUS = "SELECT sync_status FROM jikan.anime WHERE mal_id = %s"
LIVE = "SELECT count(*) FROM jikan_sync.queue WHERE task = 'embed'"
VECTORS = "SELECT count(*) FROM jikan.embedding"


def test_a_new_title_becomes_fresh(connection: Connection) -> None:
    store(connection, {"mal_id": 1, "synopsis": "Bounty hunters in space."})
    assert value(connection, STATUS, 1) == "pending_embeddings"
    [text] = claim(connection)
    assert (text.purpose, text.title, text.model_id) == ("document", "Title qb", 1)
    assert "Bounty hunters" in text.input
    assert value(connection, "SELECT md5(%s)::uuid = %s", text.input, text.input_hash)
    assert answer(connection, [text]) == (1, 0, 0)
    assert value(connection, STATUS, 1) == "fresh"
    assert value(connection, LIVE) == 0


def test_a_late_answer_never_stands_beside_a_newer_text(connection: Connection) -> None:
    store(connection, {"mal_id": 1, "synopsis": "Old."})
    old = claim(connection)
    store(connection, {"mal_id": 1, "synopsis": "New."})
    assert answer(connection, old) == (0, 1, 0)
    assert value(connection, VECTORS) == 0
    assert value(connection, STATUS, 1) == "pending_embeddings"
    [new] = claim(connection)
    assert "New." in new.input
    assert answer(connection, [new], [unit(0.0, 1.0)]) == (1, 0, 0)
    # The old answer once more, from a worker that was away for long.
    assert answer(connection, old) == (0, 1, 0)
    kept = value(connection, "SELECT embedding::text FROM jikan.embedding")
    assert kept.startswith("[0,1,")
    assert value(connection, STATUS, 1) == "fresh"


def test_only_a_changed_text_embeds_again(connection: Connection) -> None:
    document = {"mal_id": 1, "synopsis": "A story.", "score": 7.5, "genres": [{"name": "Action"}]}
    store(connection, document)
    answer(connection, claim(connection))
    store(connection, document)
    store(connection, {**document, "score": 8.5, "members": 1000})
    assert value(connection, LIVE) == 0
    for change in ({"synopsis": "Another."}, {"title": "Else"}, {"genres": [{"name": "Drama"}]}):
        store(connection, {**document, **change})
        assert value(connection, STATUS, 1) == "pending_embeddings"
        assert answer(connection, claim(connection)) == (1, 0, 0)


def test_the_same_text_is_paid_for_once(connection: Connection) -> None:
    store(connection, {"mal_id": 1, "title": "Twin"}, {"mal_id": 2, "title": "Twin"})
    texts = claim(connection)
    assert len(texts) == 1  # two titles, one text, one request
    answer(connection, texts)
    assert claim(connection) == []
    assert value(connection, VECTORS) == 2
    assert value(connection, LIVE) == 0
    assert value(connection, STATUS, 1) == value(connection, STATUS, 2) == "fresh"


def test_an_answer_of_a_killed_worker_is_kept_but_finishes_nothing(
    connection: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2026-01-01 00:00Z")
    store(connection, {"mal_id": 1})
    late = claim(connection, "killed")
    set_clock("2026-01-01 01:00Z")
    connection.execute("SELECT jikan_sync.sweep_leases()")
    set_clock("2026-01-02 00:00Z")
    second = claim(connection, "second")
    assert [t.task_id for t in second] == [t.task_id for t in late]
    assert answer(connection, late, [unit(0.0, 1.0)]) == (1, 0, 0)  # the text is the same
    assert value(connection, LIVE) == 1  # still the second worker's
    assert answer(connection, second, [unit(1.0)]) == (1, 0, 0)
    assert value(connection, LIVE) == 0


def test_two_workers_never_share_a_text(connect: Callable[..., Connection]) -> None:
    one, two = connect(), connect()
    store(one, *({"mal_id": number} for number in range(1, 61)))
    first, second = claim(one, "one"), claim(two, "two")
    assert len(first) == 32  # the local provider's batch
    assert len(second) == 28
    assert not {t.task_id for t in first} & {t.task_id for t in second}


def test_a_model_switched_in_mid_flight_changes_what_is_read(connection: Connection) -> None:
    store(connection, {"mal_id": 1}, {"mal_id": 2})
    flying = claim(connection)
    other = add_model(connection)
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s, true)", [other])
    assert answer(connection, flying) == (2, 0, 0)  # for the model that was asked
    assert value(connection, STATUS, 1) == "pending_embeddings"
    assert value(connection, "SELECT count(*) FROM anime.similar(1)") == 0
    texts = claim(connection)
    assert {t.model_id for t in texts} == {other}
    answer(connection, texts)
    assert value(connection, STATUS, 1) == "fresh"
    assert value(connection, "SELECT count(*) FROM anime.similar(1)") == 1
    assert value(connection, LIVE) == 0


def test_a_model_dropped_in_mid_flight_harms_nothing(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    other = add_model(connection)
    answer(connection, claim(connection))
    texts = claim(connection)
    assert {t.model_id for t in texts} == {other}
    connection.execute("SELECT jikan_sync.drop_embedding_model(%s)", [other])
    assert answer(connection, texts) == (0, 1, 0)
    assert value(connection, LIVE) == 0
    assert value(connection, STATUS, 1) == "fresh"


def test_a_deleted_title_takes_its_task_along(connection: Connection) -> None:
    store(connection, {"mal_id": 1}, {"mal_id": 2})
    texts = claim(connection)
    connection.execute("DELETE FROM jikan.anime WHERE mal_id = 1")
    assert answer(connection, texts) == (1, 1, 0)


def test_bad_vectors_stay_out_and_good_ones_get_in(connection: Connection) -> None:
    bad = [
        unit(1.0, dimensions=511),
        str([0.0] * 512),
        str([1.0] * 512),
        "[" + ",".join(["NaN"] * 512) + "]",
        "[" + ",".join(["1e30"] * 512) + "]",
        "no vector",
        "[]",
    ]
    store(connection, *({"mal_id": number} for number in range(1, len(bad) + 2)))
    texts = claim(connection)
    assert answer(connection, texts, [*bad, unit(1.0)]) == (1, 0, len(bad))
    assert value(connection, VECTORS) == 1


def test_the_table_itself_refuses_a_vector_of_another_model(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "INSERT INTO jikan.embedding (model_id, anime_id, input_hash, embedding) "
            "SELECT 1, id, embedding_hash, '[1,0,0]' FROM jikan.anime"
        )


def test_a_refused_batch_loses_only_the_culprit(
    connection: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2026-01-01 00:00Z")
    store(connection, *({"mal_id": n, "title": f"Good {n}"} for n in range(1, 9)))
    store(connection, {"mal_id": 9, "title": "Poison"})
    requests, day = 0, 1
    while value(connection, LIVE) and requests < 100:
        texts = claim(connection)
        if not texts:
            day += 1
            set_clock(f"2026-01-{day:02d} 00:00Z")
            continue
        requests += 1
        if any("Poison" in text.input for text in texts):
            fail(connection, texts, "rejected")
        else:
            answer(connection, texts)
    assert value(connection, VECTORS) == 8
    assert requests < 20
    dead = connection.execute("SELECT mal_id, reason FROM jikan_sync.dead_letter").fetchall()
    assert dead == [(9, "row")]
    charged = (
        "SELECT count(*) FROM jikan_sync.queue_history WHERE error_class = 'row' AND mal_id < 9"
    )
    assert value(connection, charged) == 0


def test_a_quota_gone_for_the_day_stops_everything_until_midnight(
    connection: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2026-01-01 20:00Z")
    model = value(connection, "SELECT jikan_sync.add_embedding_model('google', 'g', 4)")
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s, true)", [model])
    connection.execute("SELECT jikan_sync.drop_embedding_model(1)")
    store(connection, {"mal_id": 1})
    fail(connection, claim(connection), "quota_exhausted", "40 s")
    store(connection, {"mal_id": 2})
    assert not value(connection, "SELECT jikan_sync.embedding_available()")
    assert claim(connection) == []
    set_clock("2026-01-02 07:59Z")  # one minute to midnight at Google's
    assert claim(connection) == []
    set_clock("2026-01-02 10:00Z")
    assert len(claim(connection)) >= 1
    assert value(connection, "SELECT max(attempts) FROM jikan_sync.queue") == 0


@pytest.mark.parametrize(
    "outcome", ["rate_limited", "unauthorised", "provider_error", "transport_error"]
)
def test_a_failure_of_the_provider_charges_no_text(
    connection: Connection, set_clock: Callable[[str], None], outcome: str
) -> None:
    set_clock("2026-01-01 00:00Z")
    store(connection, {"mal_id": 1}, {"mal_id": 2})
    for hour in range(1, 12):
        fail(connection, claim(connection), outcome)
        assert claim(connection) == []
        set_clock(f"2026-01-01 {hour:02d}:00Z")
    assert value(connection, "SELECT max(attempts) FROM jikan_sync.queue") == 0
    while texts := claim(connection):  # together, or one by one: it may have been their number
        answer(connection, texts)
    assert value(connection, VECTORS) == 2
    assert value(connection, "SELECT max(failure_count) FROM jikan_sync.embedding_provider") == 0


def test_after_a_failure_one_worker_tries_first(
    connect: Callable[..., Connection], set_clock: Callable[[str], None]
) -> None:
    one, two = connect(), connect()
    set_clock("2026-01-01 00:00Z")
    store(one, *({"mal_id": number} for number in range(1, 61)))
    fail(one, claim(one, "one"), "provider_error")
    set_clock("2026-01-01 00:10Z")
    probe = claim(one, "one")
    assert probe
    assert claim(two, "two") == []
    answer(one, probe)
    assert claim(two, "two")


def test_nobody_is_left_alone_for_ten_years(connection: Connection) -> None:
    pause = "SELECT max(jikan_sync.embedding_pause(p, 'rate_limited', '10 years'))::text"
    assert value(connection, f"{pause} FROM jikan_sync.embedding_provider AS p") == "01:00:00"


def test_an_unknown_outcome_is_refused(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no outcome"):
        fail(connection, claim(connection), "whatever")


def test_the_sidecar_may_only_call(connect: Callable[..., Connection]) -> None:
    owner, sidecar = connect(), connect(role="jikan_sidecar")
    store(owner, {"mal_id": 1}, {"mal_id": 2})
    texts = claim(sidecar)
    assert fail(sidecar, texts[:1], "rejected") == "retry"
    assert answer(sidecar, texts[1:]) == (1, 0, 0)
    for statement in (
        "SELECT FROM jikan.embedding",
        "SELECT jikan_sync.switch_embedding_model(1)",
        "SELECT jikan_sync.backfill_embeddings(1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sidecar.execute(statement)


def test_the_limits_of_a_provider_are_reserved(
    connection: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2026-01-01 00:00Z")
    model = value(connection, "SELECT jikan_sync.add_embedding_model('google', 'g', 4)")
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s, true)", [model])
    connection.execute("SELECT jikan_sync.drop_embedding_model(1)")
    long = "word " * 390
    store(connection, *({"mal_id": n, "synopsis": f"{n} {long}"} for n in range(1, 101)))
    waits: list[Any] = []
    sizes: list[int] = []
    while texts := claim(connection):
        assert sum(len(text.input) for text in texts) <= 4 * 7500 + 4 * len(texts)
        waits.append(texts[0].wait)
        sizes.append(len(texts))
    assert waits[0].total_seconds() == 0
    assert 15 < waits[1].total_seconds() <= 30  # a third of what a minute has left of 30,000 tokens
    assert 3 <= len(waits) <= 5 and all(size < 20 for size in sizes)
    assert not value(connection, "SELECT jikan_sync.embedding_available()")
    set_clock("2026-01-01 00:10Z")
    assert claim(connection)


def test_low_tasks_can_wait_for_the_night(connection: Connection) -> None:
    set_setting(connection, "embedding_low_priority", "nightly")
    store(connection, {"mal_id": 1}, {"mal_id": 2})
    assert claim(connection) == []
    assert value(connection, "SELECT jikan_sync.release_embeddings()") == 2
    assert len(claim(connection)) == 2


def test_a_stored_response_makes_two_high_tasks(connection: Connection) -> None:
    set_setting(connection, "embedding_low_priority", "nightly")
    with connection.transaction():
        connection.execute("SELECT set_config('pgjikan.embed_priority', 'high', true)")
        store(connection, *({"mal_id": number} for number in range(1, 26)))
        store(connection, {"mal_id": 1, "synopsis": "Changed in the same response."})
    high = connection.execute(
        "SELECT mal_id FROM jikan_sync.queue WHERE priority = 'high' ORDER BY mal_id"
    ).fetchall()
    assert high == [(1,), (2,)]
    assert len(claim(connection)) == 2


def test_a_tombstoned_title_is_not_embedded(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    connection.execute(
        "UPDATE jikan.anime SET removed_at = now(), missing_count = 3, "
        "first_missing_at = now(), last_missing_at = now()"
    )
    assert claim(connection) == []
    assert value(connection, LIVE) == 0
