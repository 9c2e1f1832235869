"""What holds of `jikan_sync.store_anime` whatever documents come, in whatever order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.documents import anime, full
from tests.store.test_store_anime import store

Connection = psycopg.Connection[Any]
Document = dict[str, Any]

NOW = datetime(2026, 11, 1, tzinfo=UTC)
# Few ids and few values, so that documents meet.
MAL_IDS = st.integers(1, 4)
TITLES = st.sampled_from(["Cowboy Bebop", "Trigun", "進撃の巨人", "x", "%s", "a\nb"])
CHANGES = st.fixed_dictionaries(
    {"title": TITLES},
    optional={
        "score": st.one_of(st.none(), st.sampled_from([0, 1.5, 9.99])),
        "members": st.one_of(st.none(), st.integers(0, 2**31 - 1)),
        "synopsis": st.one_of(st.none(), st.text(max_size=20).filter(lambda t: "\0" not in t)),
        "genres": st.just([]),
        "season": st.sampled_from([None, "fall"]),
    },
)
GOOD = st.builds(
    lambda make, mal_id, changes: make(mal_id, **changes),
    st.sampled_from([anime, full]),
    MAL_IDS,
    CHANGES,
)
BAD = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5).filter(lambda t: "\0" not in t),
    st.just({}),
    st.builds(lambda mal_id: {"mal_id": mal_id, "title": 5}, MAL_IDS),
    st.builds(lambda mal_id: anime(mal_id) | {"episodes": "many"}, MAL_IDS),
    st.builds(lambda mal_id: anime(mal_id) | {"members": 2**40}, MAL_IDS),
    st.just(anime(1) | {"mal_id": -1}),
)
A_FEW = settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def surrogate_free(documents: list[Any]) -> bool:
    try:
        json.dumps(documents, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


PAGE = st.lists(GOOD, max_size=6).filter(surrogate_free)
MIXED = st.lists(st.one_of(GOOD, BAD), max_size=6).filter(surrogate_free)


def mirror(connection: Connection) -> list[Any]:
    """Everything that documents say, without when and in what order they came."""
    return connection.execute(
        "SELECT to_jsonb(a) - '{id,created_at,changed_at}'::text[],"
        " (SELECT jsonb_agg(to_jsonb(r) - 'anime_id' ORDER BY r.relation, r.entry_mal_id)"
        "  FROM jikan.relation AS r WHERE r.anime_id = a.id),"
        " (SELECT jsonb_agg(t.song ORDER BY t.kind, t.position)"
        "  FROM jikan.theme_song AS t WHERE t.anime_id = a.id)"
        " FROM jikan.anime AS a ORDER BY a.mal_id"
    ).fetchall()


@A_FEW
@given(page=PAGE, at=st.integers(0, 3))
def test_the_same_again_changes_nothing(connection: Connection, page: list[Any], at: int) -> None:
    with connection.transaction(force_rollback=True):
        moment = NOW + timedelta(hours=at)
        first = store(connection, page, fetched_at=moment)
        before = mirror(connection)
        second = store(connection, page, fetched_at=moment)
        assert second[:2] == (0, 0)
        assert second[2] == sum(first[:3])
        assert mirror(connection) == before


@A_FEW
@given(page=MIXED)
def test_every_document_is_counted_and_no_neighbour_is_lost(
    connection: Connection, page: list[Any]
) -> None:
    with connection.transaction(force_rollback=True):
        inserted, updated, unchanged, rejected = store(connection, page)
        good = {d["mal_id"] for d in page if is_good(d)}
        stored = {row[0] for row in connection.execute("SELECT mal_id FROM jikan.anime")}
        assert stored == good
        assert (inserted, updated, unchanged) == (len(good), 0, 0)
        bad = [d for d in page if not is_good(d)]
        kept = connection.execute(
            "SELECT coalesce(sum(seen_count), 0) FROM jikan_sync.rejected_document"
        ).fetchone()
        assert (rejected,) == kept
        # One that is hidden by a better document of the same anime in the same page is not tried.
        assert len([d for d in bad if d is None or "mal_id" not in str(d)]) <= rejected <= len(bad)


def is_good(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("title"), str)
        and document["mal_id"] > 0
        and document.get("episodes") != "many"
        and (document.get("members") or 0) < 2**31
    )


@A_FEW
@given(
    documents=st.lists(
        st.tuples(GOOD, st.integers(0, 5)),
        min_size=2,
        max_size=5,
        unique_by=(lambda pair: (pair[0]["mal_id"], pair[1])),
    ).filter(lambda pairs: surrogate_free([pair[0] for pair in pairs])),
    shuffled=st.randoms(use_true_random=False),
)
def test_in_whatever_order_they_come_the_newest_stands(
    connection: Connection, documents: list[tuple[Document, int]], shuffled: Any
) -> None:
    """Of each anime: what the newest document says, as if they had come one after the other."""
    other = list(documents)
    shuffled.shuffle(other)
    newest: dict[int, tuple[int, Document]] = {}
    for document, age in documents:
        if age >= newest.get(document["mal_id"], (-1, document))[0]:
            newest[document["mal_id"]] = (age, document)
    for order in (documents, other):
        with connection.transaction(force_rollback=True):
            for document, age in order:
                store(connection, [document], fetched_at=NOW + timedelta(days=age))
            for mal_id, (_, document) in newest.items():
                row = connection.execute(
                    "SELECT title FROM jikan.anime WHERE mal_id = %s", [mal_id]
                ).fetchone()
                assert row == (document["title"],)


@A_FEW
@given(pages=st.lists(MIXED, min_size=1, max_size=3))
def test_page_by_page_or_all_at_once_is_the_same_anime(
    connection: Connection, pages: list[list[Any]]
) -> None:
    ids: list[set[int]] = []
    for portions in (pages, [[document for page in pages for document in page]]):
        with connection.transaction(force_rollback=True):
            for portion in portions:
                store(connection, portion)
            rows = connection.execute("SELECT mal_id FROM jikan.anime").fetchall()
            ids.append({row[0] for row in rows})
    assert ids[0] == ids[1]
