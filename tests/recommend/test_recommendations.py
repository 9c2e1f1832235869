"""similar, recommend and search_semantic: the right rows, in the right order, for everyone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from tests.vector_steps import (
    Connection,
    answer,
    claim,
    embed_all,
    set_setting,
    store,
    title,
    unit,
    value,
)

AT = {1: unit(1.0), 2: unit(1.0, 0.2), 3: unit(1.0, 0.5), 4: unit(1.0, 1.0), 5: unit(0.0, 1.0)}

REZERO = "Re:Zero kara Hajimeru Isekai Seikatsu"
OREGAIRU = "Yahari Ore no Seishun Love Comedy wa Machigatteiru."


def ids(connection: Connection, query: str, *parameters: Any) -> list[int]:
    rows = connection.execute(f"SELECT mal_id FROM {query}".encode(), parameters or None)
    return [row[0] for row in rows.fetchall()]


def relate(connection: Connection, mal_id: int, kind: str, other: int) -> None:
    entry = {"mal_id": other, "type": "anime", "name": "x", "url": "x"}
    document = {
        "mal_id": mal_id,
        "title": title(mal_id),
        "relations": [{"relation": kind, "entry": [entry]}],
        "theme": {"openings": [], "endings": []},
    }
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb, 'full')", [json.dumps([document])])


@pytest.fixture
def five(connection: Connection) -> Connection:
    """Five titles on a quarter circle, in order, alike in all else."""
    store(connection, *({"mal_id": mal_id} for mal_id in AT))
    embed_all(connection, AT)
    return connection


def test_nearest_first_without_itself(five: Connection) -> None:
    assert ids(five, "anime.similar(1)") == [2, 3, 4, 5]
    assert ids(five, "anime.similar(5, max_rows => 2)") == [4, 3]
    similarity = value(five, "SELECT similarity FROM anime.similar(1) WHERE mal_id = 4")
    assert similarity == pytest.approx(0.7071, abs=0.001)


def test_every_recommended_title_has_a_current_vector(five: Connection) -> None:
    store(five, {"mal_id": 2, "synopsis": "Changed, and not embedded again yet."})
    assert 2 not in ids(five, "anime.similar(1)")
    assert 2 not in ids(five, "anime.recommend('{1}')")
    assert ids(five, "anime.similar(2)") != [], "what it goes with is known without a vector"


def test_tombstoned_titles_are_gone(five: Connection) -> None:
    five.execute(
        "UPDATE jikan.anime SET removed_at = now(), missing_count = 3, "
        "first_missing_at = now(), last_missing_at = now() WHERE mal_id = 2"
    )
    assert ids(five, "anime.similar(1)") == [3, 4, 5]


def test_filters_leave_what_they_should(connection: Connection) -> None:
    genres = {"genres": [{"name": "Drama"}, {"name": "Comedy"}]}
    store(
        connection,
        {"mal_id": 1},
        {"mal_id": 2, "type": "Movie", "status": "Finished Airing", "year": 1999, "score": 8.1},
        {
            "mal_id": 3,
            "type": "TV",
            "status": "Currently Airing",
            "year": 2005,
            "score": 6,
            **genres,
        },
        {"mal_id": 4, "type": "TV", "status": "Finished Airing", "year": 2010},
        {"mal_id": 5, "type": "TV", "rating": "Rx - Hentai"},
    )
    embed_all(connection, AT)
    for filters, expected in {
        "types => '{Movie}'": [2],
        "types => '{Movie,TV}'": [2, 3, 4],
        "statuses => '{Finished Airing}'": [2, 4],
        "genres => '{DRAMA,comedy}'": [3],
        "genres => '{drama,action}'": [],
        "year_from => 2005": [3, 4],
        "year_to => 2005": [2, 3],
        "year_from => 2000, year_to => 2006": [3],
        "min_score => 7": [2],
        "nsfw => true": [2, 3, 4, 5],
    }.items():
        assert sorted(ids(connection, f"anime.similar(1, {filters})")) == expected, filters
        assert sorted(ids(connection, f"anime.recommend('{{1}}', {filters})")) == expected, filters


def test_a_narrow_filter_gets_all_rows_asked_for(connection: Connection) -> None:
    """The titles that pass are far from the neighbours that are kept."""
    connection.execute(
        "INSERT INTO jikan.anime (mal_id, titles, title, core_hash, last_jikan_sync, year) "
        "SELECT n, '[]', md5(n::text), 0, now(), CASE WHEN n > 1990 THEN 1999 END "
        "FROM generate_series(1, 2000) AS n"
    )
    connection.execute(
        "INSERT INTO jikan.embedding (model_id, anime_id, input_hash, embedding) "
        "SELECT 1, a.id, a.embedding_hash, l2_normalize((ARRAY[1, a.mal_id / 1000.0] "
        "|| array_fill(0::numeric, ARRAY[510]))::real[]::halfvec) FROM jikan.anime AS a"
    )
    found = ids(connection, "anime.similar(1, max_rows => 10, year_from => 1999)")
    assert sorted(found) == list(range(1991, 2001))
    assert len(ids(connection, "anime.similar(1, max_rows => 100)")) == 100


def test_a_franchise_counts_once_and_its_own_not_at_all(five: Connection) -> None:
    relate(five, 3, "Sequel", 4)
    relate(five, 1, "Side Story", 99)  # not mirrored, and yet what connects 1 with 2
    relate(five, 2, "Parent Story", 99)
    embed_all(five, AT)
    assert ids(five, "anime.similar(1)") == [3, 5]
    assert ids(five, "anime.similar(5)") == [4, 2]
    assert ids(five, "anime.recommend('{1}')") == [3, 5]
    assert ids(five, "anime.similar(1, with_franchise => true)") == [2, 3, 4, 5]
    # The sequel comes first where it is asked for, though others are nearer.
    assert ids(five, "anime.similar(3, with_franchise => true)")[0] == 4


def test_without_relations_the_title_tells_the_franchise(connection: Connection) -> None:
    store(
        connection,
        {"mal_id": 1, "title": "Shingeki no Kyojin"},
        {"mal_id": 2, "title": "Gekijouban Shingeki no Kyojin: Jiyuu no Tsubasa"},
        {"mal_id": 3, "title": "Kyojin no Hoshi"},
        {"mal_id": 4, "title": "Kyojin no Hoshi Tokubetsu-hen: Moukou"},
        {"mal_id": 5, "title": "Kyojin no Hoshi II"},
    )
    embed_all(connection, AT)
    assert ids(connection, "anime.similar(1)") == [3, 4]
    assert ids(connection, "anime.similar(3)") == [2, 1]


def test_of_titles_of_one_stem_the_best_stands_for_all(connection: Connection) -> None:
    store(
        connection,
        {"mal_id": 1},
        {"mal_id": 2, "title": f"{REZERO} 2nd Season"},
        {"mal_id": 3, "title": REZERO},
        {"mal_id": 4, "title": f"{OREGAIRU} Zoku"},
        {"mal_id": 5, "title": f"{OREGAIRU} Kan"},
    )
    embed_all(connection, AT)
    assert ids(connection, "anime.similar(1)") == [2, 4]
    assert ids(connection, "anime.similar(1, with_franchise => true)") == [2, 3, 4, 5]


def test_crossovers_make_no_franchise(five: Connection) -> None:
    relate(five, 1, "Character", 2)
    relate(five, 1, "Other", 2)
    assert value(five, "SELECT count(*) FROM jikan.franchise") == 0


def test_franchises_follow_relations_as_they_come_and_go(five: Connection) -> None:
    groups = "SELECT array_agg(mal_id ORDER BY mal_id) FROM jikan.franchise GROUP BY franchise_id"
    for mal_id in (4, 3, 2, 1):
        relate(five, mal_id, "Sequel", mal_id + 1)
    assert five.execute(groups).fetchall() == [([1, 2, 3, 4, 5],)]
    assert value(five, "SELECT min(franchise_id) FROM jikan.franchise") == 1
    relate(five, 2, "Other", 3)
    assert sorted(five.execute(groups).fetchall()) == [([1, 2],), ([3, 4, 5],)]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Shingeki no Kyojin", "Shingeki no Kyojin Season 2", True),
        ("Shingeki no Kyojin: The Final Season", "Shingeki no Kyojin OVA", True),
        ("Mob Psycho 100", "Mob Psycho 100 II", True),
        ("Dr. STONE", "Dr. STONE: NEW WORLD Part 2", True),
        ("Kaguya-sama wa Kokurasetai", "Kaguya-sama wa Kokurasetai? 2nd Season", True),
        (REZERO, f"{REZERO} 2nd Season", True),
        (REZERO, f"{REZERO} 2nd Season Part 2", True),
        (OREGAIRU, f"{OREGAIRU} Zoku", True),
        (f"{OREGAIRU} Zoku", f"{OREGAIRU} Kan", True),
        ("My Teen Romantic Comedy SNAFU", "My Teen Romantic Comedy SNAFU TOO!", True),
        ("Re:Creators", REZERO, False),
        ("86", "86 Part 2", True),
        ("Kan", "Too", False),
        ("!?", "...", False),
        ("Air", "Air Gear", False),
        ("K", "K-On!", False),
        ("Another", "Another World", False),
    ],
)
def test_titles_of_one_stem(connection: Connection, one: str, other: str, is_same: bool) -> None:
    stems = "SELECT jikan_sync.title_stem(%s) = jikan_sync.title_stem(%s)"
    assert value(connection, stems, one, other) is is_same


def test_liked_pull_and_disliked_push(five: Connection) -> None:
    assert ids(five, "anime.recommend('{1}')") == [2, 3, 4, 5]
    assert ids(five, "anime.recommend('{3}')")[0] == 2
    assert ids(five, "anime.recommend('{3}', '{1}')")[0] == 4
    assert ids(five, "anime.recommend('{1,5}')")[0] == 4  # in the mean of both
    assert not set(ids(five, "anime.recommend('{1,2}', '{5}')")) & {1, 2, 5}


def test_ids_nobody_knows_are_ignored_and_asked_for(five: Connection) -> None:
    assert ids(five, "anime.recommend('{1,900,901,902}')") == [2, 3, 4, 5]
    five.execute("SELECT jikan_sync.fold_wishes()")
    queued = five.execute(
        "SELECT mal_id, priority FROM jikan_sync.queue WHERE task = 'anime' ORDER BY mal_id"
    ).fetchall()
    assert queued == [(900, "high"), (901, "high")]


def test_a_pending_title_is_hurried(connection: Connection) -> None:
    set_setting(connection, "embedding_low_priority", "nightly")
    store(connection, {"mal_id": 1})
    assert ids(connection, "anime.similar(1)") == []
    connection.execute("SELECT jikan_sync.fold_wishes()")
    assert value(connection, "SELECT priority FROM jikan_sync.queue WHERE task = 'embed'") == "high"
    assert len(claim(connection)) == 1


def test_readers_read_even_where_nothing_can_be_written(
    five: Connection, connect: Callable[..., Connection]
) -> None:
    reader = connect(role="anime_reader", options="-c default_transaction_read_only=on")
    assert ids(reader, "anime.similar(1)") == [2, 3, 4, 5]
    assert ids(reader, "anime.similar(900)") == []
    assert ids(reader, "anime.recommend('{1,900}', '{5}')") == [2, 3, 4]
    assert ids(reader, "anime.search_semantic(%s)", title(1)) != []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT FROM jikan.embedding")


@pytest.mark.parametrize(
    "call",
    [
        "similar(0)",
        "similar(NULL)",
        "similar(1, max_rows => 0)",
        "similar(1, max_rows => 101)",
        "similar(1, max_rows => NULL)",
        "similar(1, year_from => 2001, year_to => 2000)",
        "similar(1, min_score => 11)",
        "recommend('{}')",
        "recommend(NULL)",
        "recommend('{1,NULL}')",
        "recommend('{1}', '{-1}')",
        "recommend('{1}', NULL)",
        "recommend(array_fill(1, ARRAY[1001]))",
        "search_semantic('x', max_rows => 0)",
    ],
)
def test_arguments_that_cannot_be_meant(connection: Connection, call: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        connection.execute(f"SELECT * FROM anime.{call}".encode())
    assert caught.value.diag.message_hint


def test_a_new_query_answers_by_text_and_then_by_meaning(five: Connection) -> None:
    call = "SELECT mal_id, match FROM anime.search_semantic('Title qb', max_rows => 3)"
    first = five.execute(call).fetchall()
    assert first[0] == (1, "text")
    assert {match for _id, match in first} == {"text"}
    [query] = claim(five)
    assert (query.purpose, query.input, query.anime_id) == ("query", "Title qb", None)
    assert answer(five, [query], [unit(0.0, 1.0)]) == (1, 0, 0)
    second = five.execute(call).fetchall()
    assert (5, "semantic") in second or (5, "both") in second
    assert claim(five) == []
    assert value(five, "SELECT count(*) FROM jikan_sync.queue") == 0


def test_query_vectors_are_capped(five: Connection, set_clock: Callable[[str], None]) -> None:
    set_setting(five, "query_vector_limit", "2")
    for hour, query in enumerate(("one", "two", "three")):
        set_clock(f"2026-01-01 {hour:02d}:00Z")
        five.execute("SELECT FROM anime.search_semantic(%s)", [f"query {query}"])
        answer(five, claim(five))
    kept = five.execute("SELECT query_key FROM jikan_sync.query_vector ORDER BY 1").fetchall()
    assert kept == [("query three",), ("query two",)]
