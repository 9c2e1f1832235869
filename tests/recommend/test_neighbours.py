"""Neighbours: votes lead, content follows; kept ready, and kept right behind the readers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.vector_steps import (
    Connection,
    embed_all,
    refresh,
    set_setting,
    store,
    unit,
    value,
    vote,
)

GENRES = ["Mystery", "Psychological", "Comedy"]
VECTORS = {n: unit(1.0, n / 10) for n in range(1, 13)}


def ids(connection: Connection, call: str) -> list[int]:
    rows = connection.execute(f"SELECT mal_id FROM anime.{call}".encode()).fetchall()
    return [row[0] for row in rows]


def whys(connection: Connection, call: str) -> dict[int, str]:
    rows = connection.execute(f"SELECT mal_id, why FROM anime.{call}".encode()).fetchall()
    return {row[0]: row[1] for row in rows}


def tombstone(connection: Connection, *mal_ids: int) -> None:
    connection.execute(
        "UPDATE jikan.anime SET removed_at = now(), missing_count = 3, first_missing_at = now(), "
        "last_missing_at = now() WHERE mal_id = ANY (%s)",
        [list(mal_ids)],
    )


@pytest.fixture
def dozen(connection: Connection) -> Connection:
    """Twelve titles, the nearer in number the more alike."""
    store(connection, *({"mal_id": n} for n in VECTORS))
    embed_all(connection, VECTORS)
    return connection


def test_votes_lead_and_what_is_alike_follows(dozen: Connection) -> None:
    assert ids(dozen, "similar(1, 4)") == [2, 3, 4, 5]
    vote(dozen, 1, {12: 3, 11: 40})
    for _state in ("on the spot", "kept"):
        assert ids(dozen, "similar(1, 4)") == [11, 12, 2, 3]
        assert ids(dozen, "similar(11, 1)") == [1], "read from the other side"
        refresh(dozen)
    assert value(dozen, "SELECT count(*) FROM jikan.neighbour") == len(VECTORS)


def test_a_vote_beats_a_name(connection: Connection) -> None:
    store(
        connection,
        {"mal_id": 1, "title": "Monster"},
        {"mal_id": 2, "title": "Monster Musume no Iru Nichijou"},
        {"mal_id": 3, "title": "Ookami Shounen", "title_english": "The Wolf Boy"},
        {"mal_id": 4, "title": "Kitsune", "title_english": "Once More: The Wolf Boy Returns"},
    )
    embed_all(connection, VECTORS)
    assert ids(connection, "similar(1)") == [3, 4]
    assert ids(connection, "similar(3)") == [2, 1]
    vote(connection, 1, {2: 1})
    vote(connection, 3, {4: 1})
    for _state in ("on the spot", "kept"):
        assert ids(connection, "similar(1)") == [2, 3, 4]
        assert ids(connection, "similar(3)") == [4, 2, 1]
        refresh(connection)


def test_a_walk_over_votes_finds_what_nobody_voted_for(dozen: Connection) -> None:
    vote(dozen, 1, {9: 5})
    vote(dozen, 9, {1: 5, 12: 5})
    assert ids(dozen, "similar(1, 2)") == [9, 12]
    assert whys(dozen, "similar(1, 2)") == {9: "recommended by 5", 12: "liked by the same people"}


def test_votes_for_its_franchise_count_less(dozen: Connection) -> None:
    dozen.execute("INSERT INTO jikan.franchise VALUES (1, 1), (2, 1)")
    vote(dozen, 2, {12: 5})
    vote(dozen, 1, {11: 5})
    assert ids(dozen, "similar(1, 2)") == [11, 12]
    assert whys(dozen, "similar(1, 2)")[12] == "recommended by 5 for its franchise"
    assert 2 not in ids(dozen, "similar(1, 20)")
    assert 2 in ids(dozen, "similar(1, 20, with_franchise => true)")


def test_every_row_says_why_and_it_is_true_now(connection: Connection) -> None:
    genre = [{"name": name} for name in GENRES]
    store(
        connection,
        {"mal_id": 1, "genres": genre[:2]},
        {"mal_id": 2, "genres": genre},
        {"mal_id": 3, "studios": [{"name": "Ghibli"}]},
        {"mal_id": 4, "studios": [{"name": "Ghibli"}]},
        {"mal_id": 5, "title_english": "Five"},
    )
    embed_all(connection, VECTORS)
    vote(connection, 5, {3: 7})
    assert whys(connection, "similar(1)")[2] == "alike: Mystery, Psychological"
    assert whys(connection, "similar(3)") == {
        5: "recommended by 7",
        4: "alike: by Ghibli",
        1: "nothing nearer",
        2: "nothing nearer",
    }
    assert whys(connection, "recommend('{1,5}')")[3] == "recommended by 7 for Five"
    refresh(connection)
    vote(connection, 5, {3: 8}, "2026-02-01Z")
    assert whys(connection, "similar(3)")[5] == "recommended by 8", "not what was reckoned"


def test_genres_count_by_rarity(connection: Connection) -> None:
    common = [{"name": "Comedy"}]
    store(
        connection,
        *({"mal_id": n, "genres": common} for n in range(4, 13)),
        {"mal_id": 1, "genres": [*common, {"name": "Samurai"}]},
        {"mal_id": 2, "genres": common},
        {"mal_id": 3, "genres": [{"name": "Samurai"}]},
    )
    embed_all(connection, dict.fromkeys(VECTORS, unit(1.0)))
    refresh(connection)
    assert ids(connection, "similar(1, 1)") == [3]
    assert value(connection, "SELECT count(*) FROM jikan_sync.trait WHERE name = 'samurai'") == 1


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"type": "Movie"}, "type"),
        ({"source": "Manga"}, "source"),
        ({"rating": "PG-13 - Teens 13 or older"}, "rating"),
        ({"aired": {"from": "1999-01-01T00:00:00+00:00"}}, "era"),
        ({"studios": [{"name": "Ghibli"}]}, "studio"),
    ],
)
def test_what_else_is_alike_counts(
    connection: Connection, fields: dict[str, object], why: str
) -> None:
    store(connection, {"mal_id": 1, **fields}, {"mal_id": 2}, {"mal_id": 3, **fields})
    embed_all(connection, dict.fromkeys(VECTORS, unit(1.0)))
    assert ids(connection, "similar(1)") == [3, 2], why
    weights = "UPDATE jikan_sync.setting SET value = '0' WHERE name LIKE 'neighbour\\_%\\_weight'"
    connection.execute(weights.encode())
    assert ids(connection, "similar(1)") == [2, 3], "a weight is a setting"


def test_popularity_and_love_count(connection: Connection) -> None:
    store(
        connection,
        {"mal_id": 1},
        {"mal_id": 2, "members": 100_000, "favorites": 10},
        {"mal_id": 3, "members": 100_000, "favorites": 9_000},
    )
    embed_all(connection, dict.fromkeys(VECTORS, unit(1.0)))
    assert ids(connection, "similar(1)") == [3, 2]


def test_a_new_title_is_recommendable_at_once(dozen: Connection) -> None:
    refresh(dozen)
    store(dozen, {"mal_id": 13})
    assert len(ids(dozen, "similar(13)")) == 10, "what it goes with is known without a vector"
    embed_all(dozen, {13: unit(1.0, 0.1)})
    assert ids(dozen, "similar(1, 1)") == [13]
    assert ids(dozen, "recommend('{1}', max_rows => 1)") == [13]
    refresh(dozen)
    refresh(dozen)
    assert ids(dozen, "similar(1, 1)") == [13], "and not forgotten when it is new no more"
    mal_ids = "SELECT mal_ids FROM jikan.neighbour JOIN jikan.anime ON id = anime_id "
    assert 13 in value(dozen, f"{mal_ids} WHERE mal_id = 1")


def test_what_is_done_is_not_done_again(dozen: Connection) -> None:
    assert refresh(dozen) == len(VECTORS)
    assert refresh(dozen) == 0
    vote(dozen, 1, {12: 3})
    assert refresh(dozen) == 2
    vote(dozen, 1, {12: 3}, "2026-02-01Z")
    assert refresh(dozen) == 0
    store(dozen, {"mal_id": 3, "members": 1})  # a little more popular than nothing
    refresh(dozen)
    store(dozen, {"mal_id": 3, "members": 1, "synopsis": "Other words."})
    assert refresh(dozen) == 0, "the words matter when they have a vector"
    embed_all(dozen, VECTORS)
    assert refresh(dozen) == 1


def test_a_run_is_bounded_and_the_rest_is_left_for_the_next(dozen: Connection) -> None:
    set_setting(dozen, "neighbour_refresh_limit", "5")
    assert [refresh(dozen) for _run in range(4)] == [5, 5, 2, 0]
    assert value(dozen, "SELECT count(*) FROM jikan_sync.neighbour_wish") == 0


def test_another_limit_makes_nothing_outdated(dozen: Connection) -> None:
    refresh(dozen)
    set_setting(dozen, "neighbour_refresh_limit", "100")
    assert refresh(dozen) == 0


def test_tombstones_use_up_no_run(dozen: Connection) -> None:
    refresh(dozen)
    tombstone(dozen, 1, 2)
    refresh(dozen)
    set_setting(dozen, "neighbour_vector_weight", "0")
    set_setting(dozen, "neighbour_refresh_limit", "1")
    assert [refresh(dozen) for _run in range(11)] == [1] * 10 + [0]
    outdated = "SELECT array_agg(mal_id ORDER BY mal_id) FROM jikan.neighbour "
    outdated += "JOIN jikan.anime ON id = anime_id WHERE basis <> jikan_sync.neighbour_basis()"
    assert value(dozen, outdated) == [1, 2]


def test_other_weights_reckon_all_anew(dozen: Connection) -> None:
    refresh(dozen)
    set_setting(dozen, "neighbour_vector_weight", "0")
    assert refresh(dozen) == len(VECTORS)
    assert refresh(dozen) == 0


def test_another_model_reckons_all_anew(dozen: Connection) -> None:
    refresh(dozen)
    model = value(dozen, "SELECT jikan_sync.add_embedding_model('local', 'other', 3)")
    dozen.execute(
        "INSERT INTO jikan.embedding (model_id, anime_id, input_hash, embedding) "
        "SELECT %s, id, embedding_hash, CASE mal_id WHEN 1 THEN '[1,0,0]' WHEN 12 THEN '[1,0,0]' "
        "ELSE '[0,1,0]' END::halfvec FROM jikan.anime WHERE mal_id <> 5",
        [model],
    )
    assert refresh(dozen) == 0, "it is not in use yet"
    dozen.execute("SELECT jikan_sync.switch_embedding_model(%s, true)", [model])
    assert 5 not in ids(dozen, "similar(1, 20)"), "it has no vector of this model"
    assert refresh(dozen) == len(VECTORS)
    assert ids(dozen, "similar(1, 1)") == [12]


def test_the_oldest_are_looked_at_again(
    dozen: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2026-01-01Z")
    refresh(dozen)
    set_clock("2026-01-30Z")
    assert refresh(dozen) == 0
    set_clock("2026-01-31Z")
    assert refresh(dozen) == len(VECTORS)


def test_a_removed_title_is_gone_and_comes_back(dozen: Connection) -> None:
    refresh(dozen)
    tombstone(dozen, 2)
    assert ids(dozen, "similar(1, 2)") == [3, 4]
    dozen.execute(
        "UPDATE jikan.anime SET removed_at = NULL, missing_count = 0, "
        "first_missing_at = NULL, last_missing_at = NULL WHERE mal_id = 2"
    )
    assert ids(dozen, "similar(1, 2)") == [2, 3]


@pytest.mark.parametrize("how", ["removed", "not approved"])
def test_those_that_know_a_title_that_is_gone_are_reckoned_anew(
    dozen: Connection, how: str
) -> None:
    refresh(dozen)
    if how == "removed":
        tombstone(dozen, 2)
    else:
        dozen.execute("UPDATE jikan.anime SET approved = false WHERE mal_id = 2")
    wished = "SELECT array_agg(DISTINCT mal_id ORDER BY mal_id) FROM jikan_sync.neighbour_wish"
    assert value(dozen, wished) == [n for n in VECTORS if n != 2]
    assert refresh(dozen) == 11
    knowing = "SELECT count(*) FROM jikan.neighbour WHERE 2 = ANY (mal_ids)"
    assert value(dozen, knowing) == 0


def test_votes_for_what_is_not_mirrored_wait_for_it(dozen: Connection) -> None:
    vote(dozen, 1, {99: 50})
    refresh(dozen)
    assert 99 not in ids(dozen, "similar(1, 20)")
    store(dozen, {"mal_id": 99})
    embed_all(dozen, {99: unit(-1.0)})
    refresh(dozen)
    refresh(dozen)
    assert ids(dozen, "similar(1, 1)") == [99]


def test_adult_titles_only_where_asked_for(connection: Connection) -> None:
    adult = {"rating": "Rx - Hentai"}
    store(connection, *({"mal_id": n, **(adult if n > 6 else {})} for n in VECTORS))
    embed_all(connection, VECTORS)
    vote(connection, 1, {8: 90})
    for _state in ("on the spot", "kept"):
        assert sorted(ids(connection, "similar(1, 20)")) == [2, 3, 4, 5, 6]
        assert sorted(ids(connection, "similar(8, 20)")) == [1, 2, 3, 4, 5, 6]
        assert 8 in ids(connection, "similar(1, 20, nsfw => true)")
        assert ids(connection, "similar(8, 1, nsfw => true)") != []
        refresh(connection)


def test_one_vote_brings_an_adult_title_where_it_is_asked_for(connection: Connection) -> None:
    store(connection, *({"mal_id": n} for n in range(1, 150)))
    store(connection, {"mal_id": 150, "rating": "Rx - Hentai"})
    embed_all(connection, dict.fromkeys(range(1, 150), unit(1.0)) | {150: unit(0.0, 1.0)})
    vote(connection, 1, {150: 1})
    for _state in ("on the spot", "kept"):
        assert ids(connection, "similar(1, 10, nsfw => true)")[0] == 150
        found = ids(connection, "similar(1, 10)")
        assert len(found) == 10
        assert 150 not in found
        refresh(connection)


def test_two_runs_at_once_do_not_wait_and_do_nothing_twice(
    dozen: Connection, connect: Callable[..., Connection]
) -> None:
    other = connect()
    other.execute("SET lock_timeout = '2 s'")
    with dozen.transaction():
        assert refresh(dozen) == len(VECTORS)
        assert refresh(other) == 0
    assert refresh(other) == 0


def test_a_reader_waits_for_nobody(dozen: Connection, connect: Callable[..., Connection]) -> None:
    reader = connect(role="anime_reader")
    reader.execute("SET lock_timeout = '2 s'")
    with dozen.transaction():
        vote(dozen, 1, {12: 3})
        refresh(dozen)
        assert ids(reader, "similar(1, 1)") == [2]
    assert ids(reader, "similar(1, 1)") == [12]
    with reader.transaction():
        ids(reader, "similar(1, 1)")
        dozen.execute("SET lock_timeout = '2 s'")
        vote(dozen, 1, {12: 4}, "2026-02-01Z")
        assert refresh(dozen) == 2


def test_the_job_is_there_and_runs(dozen: Connection) -> None:
    for _ in range(2):  # a run that counts traits leaves the rest to the next
        value(dozen, "SELECT jikan_sync.run_job('refresh_neighbours')")
    assert value(dozen, "SELECT count(*) FROM jikan.neighbour") == len(VECTORS)
