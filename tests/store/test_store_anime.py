"""What becomes of Jikan documents: stored once, only what differs, never older over newer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.store.documents import anime, entry, full

Connection = psycopg.Connection[Any]
Counts = tuple[int, int, int, int]


def store(connection: Connection, documents: Any, **arguments: Any) -> Counts:
    """Store documents; (inserted, updated, unchanged, rejected)."""
    named = "".join(f", {name} => %({name})s" for name in arguments)
    row = connection.execute(
        f"SELECT * FROM jikan_sync.store_anime(%(documents)s::jsonb{named})",
        {"documents": json.dumps(documents), **arguments},
    ).fetchone()
    assert row is not None
    return row  # type: ignore[return-value]


def value(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return None if row is None else row[0]


def rejects(connection: Connection) -> list[tuple[int | None, str]]:
    return connection.execute(
        "SELECT mal_id, reason FROM jikan_sync.rejected_document ORDER BY id"
    ).fetchall()


def test_every_field_lands_in_its_column(connection: Connection) -> None:
    assert store(connection, [anime()]) == (1, 0, 0, 0)
    row = connection.execute(
        "SELECT to_jsonb(a) FROM jikan.anime AS a WHERE a.mal_id = 1"
    ).fetchone()
    assert row is not None
    stored, sent = row[0], anime()
    lost = {"mal_id", "aired"}
    for name in sent.keys() - lost:
        assert stored[name] == sent[name], name
    assert stored["background"] == ""  # as Jikan says it; the catalogue view shows NULL
    assert stored["aired_from"].startswith("1998-04-03")
    assert stored["genre_names"] == ["action", "sci-fi", "space"]
    assert stored["studio_names"] == ["Sunrise"]
    assert stored["sync_status"] == "pending_embeddings"
    assert not stored["is_full"] and not stored["is_nsfw"]


def test_the_same_document_again_writes_nothing(connection: Connection) -> None:
    documents = [anime(), full(5)]
    store(connection, documents)
    before = connection.execute("SELECT mal_id, xmin FROM jikan.anime ORDER BY 1").fetchall()
    assert store(connection, documents) == (0, 0, 2, 0)
    assert (
        before == connection.execute("SELECT mal_id, xmin FROM jikan.anime ORDER BY 1").fetchall()
    )


def test_an_id_twice_in_a_page_is_one_anime(connection: Connection) -> None:
    assert store(connection, [anime(), anime(5), anime(), anime(5)]) == (2, 0, 0, 0)


def test_a_full_document_wins_over_a_list_row_of_the_same_page(connection: Connection) -> None:
    store(connection, [full(score=9.0), anime(score=1.0)])
    assert value(connection, "SELECT score FROM jikan.anime") == 9
    assert value(connection, "SELECT is_full FROM jikan.anime")


def test_only_rows_that_differ_are_written(connection: Connection) -> None:
    store(connection, [anime(), anime(5)])
    assert store(connection, [anime(), anime(5, score=9.1)]) == (0, 1, 1, 0)


def test_a_confirmation_advances_the_age_once_an_hour(
    connection: Connection, set_clock: Callable[[str | None], None]
) -> None:
    age = "SELECT last_jikan_sync FROM jikan.anime"
    set_clock("2026-11-01T12:00:00Z")
    store(connection, [anime()])
    first = value(connection, age)
    set_clock("2026-11-01T12:59:59Z")
    assert store(connection, [anime()]) == (0, 0, 1, 0)
    assert value(connection, age) == first
    set_clock("2026-11-01T13:00:00Z")
    assert store(connection, [anime()]) == (0, 1, 0, 0)
    assert value(connection, age) > first


def test_a_confirmation_of_a_stale_row_makes_it_fresh_at_once(
    connection: Connection, set_clock: Callable[[str | None], None]
) -> None:
    set_clock("2026-11-01T12:00:00Z")
    store(connection, [anime()])
    connection.execute("UPDATE jikan.anime SET sync_status = 'stale'")
    set_clock("2026-11-01T12:00:01Z")
    assert store(connection, [anime()]) == (0, 1, 0, 0)
    assert value(connection, "SELECT sync_status FROM jikan.anime") == "pending_embeddings"


def test_an_older_document_changes_nothing(connection: Connection) -> None:
    store(connection, [anime(score=8.8)], fetched_at="2026-11-02T00:00:00Z")
    older = [anime(score=1.0)]
    assert store(connection, older, fetched_at="2026-11-01T23:59:59Z") == (0, 0, 1, 0)
    assert float(value(connection, "SELECT score FROM jikan.anime")) == 8.8


def test_documents_from_the_future_are_as_old_as_now(
    connection: Connection, set_clock: Callable[[str | None], None]
) -> None:
    set_clock("2026-11-01T12:00:00Z")
    store(connection, [anime()], fetched_at="2027-01-01T00:00:00Z")
    assert value(connection, "SELECT last_jikan_sync = '2026-11-01T12:00:00Z' FROM jikan.anime")


def test_a_list_row_yields_to_a_younger_full_document(
    connection: Connection, set_clock: Callable[[str | None], None]
) -> None:
    set_clock("2026-11-01T00:00:00Z")
    store(connection, [full(score=8.8)], source="full")
    set_clock("2026-11-01T11:59:59Z")
    assert store(connection, [anime(score=1.0)]) == (0, 0, 1, 0)
    set_clock("2026-11-01T12:00:00Z")
    assert store(connection, [anime(score=7.0)]) == (0, 1, 0, 0)
    assert value(connection, "SELECT score FROM jikan.anime") == 7


def test_a_list_row_never_erases_what_only_full_knows(
    connection: Connection, set_clock: Callable[[str | None], None]
) -> None:
    set_clock("2026-11-01T00:00:00Z")
    store(connection, [full()])
    set_clock("2026-11-03T00:00:00Z")
    assert store(connection, [anime(score=7.0)]) == (0, 1, 0, 0)
    for table, count in (("relation", 2), ("theme_song", 2), ("link", 2)):
        assert value(connection, f"SELECT count(*) FROM jikan.{table}") == count, table
    assert value(connection, "SELECT full_synced_at = '2026-11-01T00:00:00Z' FROM jikan.anime")


def test_a_changed_full_document_replaces_its_parts(connection: Connection) -> None:
    store(connection, [full()])
    sequel = {"relation": "Sequel", "entry": [entry(6, "The next")]}
    changed = full(theme={"openings": [], "endings": ["Blue"]}, relations=[sequel])
    assert store(connection, [changed]) == (0, 1, 0, 0)
    assert connection.execute("SELECT kind, song FROM jikan.theme_song").fetchall() == [
        ("ending", "Blue")
    ]
    assert value(connection, "SELECT array_agg(entry_mal_id) FROM jikan.relation") == [6]


def test_relations_without_the_rest_of_full_are_kept_but_vouch_for_nothing(
    connection: Connection,
) -> None:
    document = {**anime(), "relations": full()["relations"]}
    assert store(connection, [document]) == (1, 0, 0, 0)
    assert value(connection, "SELECT count(*) FROM jikan.relation") == 2
    assert not value(connection, "SELECT is_full FROM jikan.anime")
    assert store(connection, [document]) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (5, "is number, not an object"),
        ("text", "is string, not an object"),
        (None, "is null, not an object"),
        ([], "is array, not an object"),
        ({}, "mal_id is missing, not number"),
        (anime(mal_id=0), "mal_id is no positive integer"),
        (anime(mal_id=-3), "mal_id is no positive integer"),
        (anime(mal_id=1.5), "mal_id is no positive integer"),
        (anime(mal_id=99_999_999_999), "mal_id is no positive integer"),
        ({**anime(), "mal_id": "7"}, "mal_id is string, not number"),
        ({**anime(7), "title": None}, "title is null, not string"),
        ({**anime(7), "title": {"a": 1}}, "title is object, not string"),
        (anime(7, synopsis=["no"]), "synopsis is array, not string or null"),
        (anime(7, genres="Action"), "genres is string, not array or null"),
        (anime(7, images=["x"]), "images is array, not object or null"),
        ("theme", "is string, not an object"),
        (["relations", "theme"], "is array, not an object"),
        (anime(7, score="8.1"), "score is string, not number or null"),
        (anime(7, airing="yes"), "airing is string, not boolean or null"),
        (anime(7, episodes=12.5), 'invalid input syntax for type integer: "12.5"'),
        (anime(7, members=10**12), None),
        (anime(7, score=1000), None),
        (anime(7, aired={"from": "soon"}), None),
        (full(7, relations=[{"relation": "Sequel", "entry": [{"mal_id": "x"}]}]), None),
        (full(7, relations=[{"relation": None, "entry": [entry(5, "x")]}]), None),
    ],
    ids=lambda argument: argument if isinstance(argument, str) else "",
)
def test_a_bad_document_is_kept_with_its_reason_and_its_neighbours_land(
    connection: Connection, bad: Any, reason: str | None
) -> None:
    inserted, updated, unchanged, rejected = store(connection, [anime(2), bad, full(3)])
    assert (inserted, updated, unchanged, rejected) == (2, 0, 0, 1)
    assert value(connection, "SELECT array_agg(mal_id ORDER BY mal_id) FROM jikan.anime") == [2, 3]
    [(_, said)] = rejects(connection)
    assert said == reason if reason else said


def test_a_reject_seen_again_is_counted_not_repeated(connection: Connection) -> None:
    for _ in range(3):
        store(connection, [{}])
    assert value(connection, "SELECT array_agg(seen_count) FROM jikan_sync.rejected_document") == [
        3
    ]


@pytest.mark.parametrize("documents", [None, 5, "anime", True])
def test_what_is_no_list_of_documents_is_refused_with_a_hint(
    connection: Connection, documents: Any
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as error:
        store(connection, documents)
    assert error.value.diag.message_hint == "Pass the `data` of a Jikan response."


def test_a_source_nobody_knows_is_refused(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="source must be list or full"):
        store(connection, [anime()], source="rumour")


def test_a_score_of_zero_means_none(connection: Connection) -> None:
    store(connection, [anime(score=0)])
    assert value(connection, "SELECT score FROM jikan.anime") is None


@pytest.mark.parametrize("titles", ["absent", None, [], ["Bounty Hunters"], [{"title": None}]])
def test_a_document_without_a_list_of_titles_is_found_by_each_title(
    connection: Connection, titles: Any
) -> None:
    document = full(
        title="Shingeki no Kyojin",
        title_english="Attack on Titan",
        title_japanese="進撃の巨人",
        title_synonyms=["AoT", "SnK"],
        titles=titles,
    )
    if titles == "absent":
        del document["titles"]
    assert store(connection, [document]) == (1, 0, 0, 0)
    assert value(connection, "SELECT titles FROM jikan.anime") == [
        {"type": "Default", "title": "Shingeki no Kyojin"},
        {"type": "Synonym", "title": "AoT"},
        {"type": "Synonym", "title": "SnK"},
        {"type": "Japanese", "title": "進撃の巨人"},
        {"type": "English", "title": "Attack on Titan"},
    ]
    for query in ("shingeki no kyojin", "attack on titan", "進撃の巨人", "snk"):
        found = connection.execute("SELECT mal_id FROM anime.search_cached(%s)", [query]).fetchall()
        assert found == [(1,)], query


def test_an_empty_list_where_an_object_belongs_costs_nothing_but_the_object(
    connection: Connection,
) -> None:
    fields = ("images", "trailer", "aired", "broadcast")
    for mal_id, nothing in ((1, []), (2, None)):
        assert store(connection, [full(mal_id, theme=[], **dict.fromkeys(fields, nothing))]) == (
            1,
            0,
            0,
            0,
        )
    rows = connection.execute(
        "SELECT title, is_full, images, trailer, aired, broadcast, aired_from FROM jikan.anime"
    ).fetchall()
    assert rows == [("Cowboy Bebop", True, None, None, None, None, None)] * 2
    assert value(connection, "SELECT image_url IS NULL FROM anime.catalog WHERE mal_id = 1")


def test_nobody_is_related_to_an_entry_that_has_no_id(connection: Connection) -> None:
    unknown = [{"relation": "Sequel", "entry": [entry(0, "?")]}]
    store(connection, [full(1, relations=unknown), full(2, relations=unknown)])
    assert value(connection, "SELECT count(*) FROM jikan.relation") == 2  # as sent
    assert value(connection, "SELECT count(*) FROM jikan.franchise") == 0
    known = [{"relation": "Sequel", "entry": [entry(0, "?"), entry(3, "The next")]}]
    store(connection, [full(1, relations=known)])
    assert connection.execute("SELECT mal_id FROM jikan.franchise ORDER BY 1").fetchall() == [
        (1,),
        (3,),
    ]


def test_what_comes_back_from_a_404_is_no_longer_missing(connection: Connection) -> None:
    store(connection, [anime()], fetched_at="2026-11-01T00:00:00Z")
    connection.execute(
        "UPDATE jikan.anime SET missing_count = 3, first_missing_at = '2026-11-02', "
        "last_missing_at = '2026-11-05', removed_at = '2026-11-05'"
    )
    early = {"fetched_at": "2026-11-05T06:00:00Z"}
    assert store(connection, [anime(score=5)], **early) == (0, 0, 1, 0)  # a list may lag
    late = {"fetched_at": "2026-11-06T00:00:00Z"}
    assert store(connection, [anime(score=5)], **late) == (0, 1, 0, 0)
    assert value(connection, "SELECT removed_at IS NULL FROM jikan.anime")


def test_a_changed_score_keeps_the_embedding_hash_and_a_changed_synopsis_does_not(
    connection: Connection,
) -> None:
    query = "SELECT embedding_hash FROM jikan.anime"
    store(connection, [anime()])
    first = value(connection, query)
    store(connection, [anime(score=3, members=1)])
    assert value(connection, query) == first
    store(connection, [anime(synopsis="Something else altogether.")])
    assert value(connection, query) != first


def test_two_sessions_storing_the_same_page_in_any_order_make_one_row_each(
    connect: Callable[..., Connection],
) -> None:
    first, second = connect(autocommit=False), connect(autocommit=False)
    page = [anime(mal_id) for mal_id in range(1, 26)]
    store(first, page)
    first.commit()
    assert store(second, list(reversed(page))) == (0, 0, 25, 0)
    second.commit()


def documents_of(path: Path) -> list[Any] | None:
    """The Anime objects of a recorded response; None where it is about something else."""
    body = json.loads(path.read_text())
    data = body.get("data") if isinstance(body, dict) else None
    documents = data if isinstance(data, list) else [data]
    whole = all(
        isinstance(one, dict) and {"mal_id", "title", "synopsis", "images"} <= one.keys()
        for one in documents
    )
    return documents if documents and whole else None


def test_every_recorded_response_stores_without_a_reject_and_again_writes_nothing(
    connection: Connection, shared: Path
) -> None:
    responses = 0
    for path in sorted((shared / "jikan/recorded").glob("*.json")):
        documents = documents_of(path)
        if documents is None:
            continue
        responses += 1
        distinct = len({document["mal_id"] for document in documents})
        *written, rejected = store(connection, documents)
        assert (sum(written), rejected) == (distinct, 0), (path.name, rejects(connection))
        assert store(connection, documents) == (0, 0, distinct, 0), path.name
    assert responses > 100
