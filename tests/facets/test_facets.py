"""Facets are rows: each is stored as received, given back so, and read with its age."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.store.documents import anime

Connection = psycopg.Connection[Any]
Connect = Callable[..., Connection]

EPISODES = [
    {
        "mal_id": number,
        "url": f"https://example.org/episode/{number}",
        "title": f"Session {number}",
        "title_japanese": None,
        "title_romanji": None,
        "aired": "1998-04-03T00:00:00+00:00",
        "score": 4.5,
        "filler": False,
        "recap": number == 2,
        "forum_url": None,
    }
    for number in (1, 2, 3)
]
CHARACTERS = [
    {
        "character": {
            "mal_id": 3,
            "url": "https://example.org/character/3",
            "images": {"jpg": {"image_url": "https://example.org/3.jpg"}},
            "name": "Black, Jet",
        },
        "role": "Main",
        "favorites": 2288,
        "voice_actors": [{"person": {"mal_id": 9, "name": "A Voice"}, "language": "Japanese"}],
    }
]
STAFF = [
    {
        "person": {"mal_id": 2009, "url": "https://example.org/people/2009", "name": "A Director"},
        "positions": ["Director", "Storyboard"],
    }
]


@pytest.fixture
def mirror(connection: Connection) -> Connection:
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps([anime(1)])])
    connection.execute("DELETE FROM jikan_sync.queue")
    return connection


def store(connection: Connection, facet: str, response: Any, mal_id: int = 1) -> Any:
    text = response if isinstance(response, str) else json.dumps(response)
    return connection.execute(
        "SELECT jikan_sync.store_facet(%s, %s, %s::json)", [facet, mal_id, text]
    ).fetchone()[0]  # type: ignore[index]


def wished(connection: Connection) -> list[Any]:
    return connection.execute(
        "SELECT facet, mal_id, priority FROM jikan_sync.wish ORDER BY id"
    ).fetchall()


def test_what_was_never_fetched_is_wished_for_and_then_read_with_its_age(
    mirror: Connection, connect: Connect
) -> None:
    reader = connect(role="anime_reader")
    assert reader.execute("SELECT * FROM anime.episodes(1)").fetchall() == []
    assert wished(mirror) == [("episodes", 1, "high")]
    assert store(mirror, "episodes", {"data": EPISODES, "pagination": {}}) == "stored"
    rows = reader.execute(
        "SELECT number, title, is_recap, freshness FROM anime.episodes(1, first => 2)"
    ).fetchall()
    assert rows == [(2, "Session 2", True, "fresh"), (3, "Session 3", False, "fresh")]
    assert len(wished(mirror)) == 1
    assert store(mirror, "characters", {"data": CHARACTERS}) == "stored"
    assert reader.execute(
        "SELECT character_mal_id, name, role, favorites, image_url FROM anime.characters(1)"
    ).fetchall() == [(3, "Black, Jet", "Main", 2288, "https://example.org/3.jpg")]
    assert store(mirror, "staff", {"data": STAFF}) == "stored"
    assert reader.execute("SELECT name, positions FROM anime.staff(1)").fetchall() == [
        ("A Director", ["Director", "Storyboard"])
    ]
    assert store(mirror, "statistics", {"data": {"watching": 5, "scores": []}}) == "stored"
    got = reader.execute("SELECT anime.statistics(1)").fetchone()[0]  # type: ignore[index]
    assert (got["data"], got["freshness"]) == ({"watching": 5, "scores": []}, "fresh")
    states = reader.execute("SELECT anime.get(1) -> 'freshness'").fetchone()[0]  # type: ignore[index]
    fresh = {facet for facet, age in states.items() if age["state"] == "fresh"}
    assert fresh == {"core", "episodes", "characters", "staff", "statistics"}


def test_a_facet_of_an_unknown_id_asks_for_the_title_first(
    mirror: Connection, connect: Connect
) -> None:
    reader = connect(role="anime_reader")
    assert reader.execute("SELECT anime.facet(77, 'characters')").fetchone() == (None,)
    assert wished(mirror) == [("core", 77, "high")]


def test_a_title_gone_upstream_is_asked_for_nothing(mirror: Connection, connect: Connect) -> None:
    mirror.execute(
        "UPDATE jikan.anime SET missing_count = 3, first_missing_at = now(),"
        " last_missing_at = now(), removed_at = now() WHERE mal_id = 1"
    )
    reader = connect(role="anime_reader")
    for facet in ("staff", "videos", "news"):
        got = reader.execute("SELECT anime.facet(1, %s) ->> 'freshness'", [facet]).fetchone()
        assert got == ("never",)
    reader.execute("SELECT count(*) FROM anime.episodes(1)")
    reader.execute("SELECT count(*) FROM anime.reviews(1)")
    reader.execute("SELECT anime.get(1)")
    reader.execute("SELECT (anime.v4('/v4/anime/1/characters', '{}')).status")
    assert wished(mirror) == []


EMPTY = {
    "episodes": (EPISODES, []),
    "staff": (STAFF, []),
    "videos": ({"promo": [{"title": "PV"}], "episodes": []}, {"promo": [], "episodes": []}),
    "moreinfo": ({"moreinfo": "A note"}, {"moreinfo": None}),
}


@pytest.mark.parametrize("facet", EMPTY)
def test_an_empty_answer_erases_only_when_it_comes_again(
    mirror: Connection, set_clock: Callable[[str], None], facet: str
) -> None:
    full, empty = EMPTY[facet]
    read = "SELECT anime.facet(1, %s)"

    def seen() -> Any:
        got = mirror.execute(read, [facet]).fetchone()[0]  # type: ignore[index]
        return got["data"], got["freshness"]

    def may_ask() -> Any:
        return mirror.execute("SELECT jikan_sync.may_ask(%s, 1)", [facet]).fetchone()

    set_clock("2030-01-01Z")
    assert store(mirror, facet, {"data": full}) == "stored"
    set_clock("2030-06-01Z")
    assert store(mirror, facet, {"data": empty, "pagination": {"has_next_page": False}}) == "absent"
    assert seen() == (full, "stale"), "kept, and not vouched for"
    assert may_ask() == (False,)
    set_clock("2030-06-02 00:00:01Z")
    assert may_ask() == (True,)
    assert store(mirror, facet, {"data": empty}) == "stored"
    assert seen() == (empty, "fresh")
    assert store(mirror, facet, {"data": empty}) == "unchanged"


def test_an_answer_between_two_empty_ones_starts_anew(mirror: Connection) -> None:
    for answer, result in (
        (STAFF, "stored"),
        ([], "absent"),
        (STAFF, "unchanged"),
        ([], "absent"),
        ([], "stored"),
    ):
        assert store(mirror, "staff", {"data": answer}) == result
        if result != "absent":  # as the end of its task does
            mirror.execute("SELECT jikan_sync.note_answer('staff', 1, 'stored')")


@pytest.mark.parametrize("call", ["facet(1, 'core')", "facet(1, 'x')", "facet(0, 'news')"])
def test_nonsense_is_refused_with_a_hint(connect: Connect, mirror: Connection, call: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
        connect(role="anime_reader").execute(f"SELECT anime.{call}")
    assert refused.value.diag.message_hint


def test_the_second_store_writes_nothing(
    mirror: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2030-01-01Z")
    documents = {
        "episodes": {"data": EPISODES, "pagination": {"has_next_page": False}},
        "characters": {"data": CHARACTERS},
        "images": {"data": [{"jpg": {"image_url": "a"}}]},
        "reviews": {"data": [], "pagination": {"has_next_page": False}},
    }
    for facet, document in documents.items():
        assert store(mirror, facet, document) == "stored"
    mirror.execute("SELECT pg_stat_force_next_flush()")
    with mirror.transaction():
        for facet, document in documents.items():
            assert store(mirror, facet, document) == "unchanged"
        written = mirror.execute(
            "SELECT relname FROM pg_stat_xact_user_tables WHERE schemaname = 'jikan'"
            " AND n_tup_ins + n_tup_upd + n_tup_del > 0"
        ).fetchall()
    assert written == []


def test_what_is_older_or_not_ours_is_left(
    mirror: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2030-01-01Z")
    assert store(mirror, "news", {"data": []}) == "stored"
    older = mirror.execute(
        "SELECT jikan_sync.store_facet('news', 1, '{\"data\": [1]}', 1, '2029-12-31Z')"
    ).fetchone()
    assert older == ("older",)
    assert store(mirror, "news", {"data": []}, mal_id=77) == "unmirrored"
    for bad in ({}, {"data": None}, {"data": 5}, []):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            store(mirror, "news", bad)


def test_odd_entries_do_no_harm(mirror: Connection, connect: Connect) -> None:
    reader = connect(role="anime_reader")
    odd = [1, None, "x", {}, {"character": 5, "favorites": "many"}, CHARACTERS[0]]
    assert store(mirror, "characters", {"data": odd}) == "stored"
    assert reader.execute("SELECT name FROM anime.characters(1)").fetchall() == [("Black, Jet",)]
    assert store(mirror, "staff", {"data": [None, 5, [], {}, {"person": []}, *STAFF]}) == "stored"
    assert reader.execute("SELECT name FROM anime.staff(1)").fetchall() == [("A Director",)]
    assert store(mirror, "episodes", {"data": [5, {}, {"mal_id": "x"}, EPISODES[0]]}) == "stored"
    assert reader.execute("SELECT number FROM anime.episodes(1)").fetchall() == [(1,)]
    assert mirror.execute(
        "SELECT count(*) FROM jikan_sync.rejected_document WHERE source = 'episodes'"
    ).fetchone() == (3,)
    large = {"data": CHARACTERS * 9000}
    assert len(json.dumps(large)) > 2_500_000
    assert store(mirror, "characters", large) == "stored"
    assert len(reader.execute("SELECT * FROM anime.characters(1)").fetchall()) == 100


@pytest.mark.parametrize(
    "odd",
    [{"aired": "infinity"}, {"aired": "tomorrow"}, {"score": "NaN"}, {"score": -5}, {"score": 11}],
)
def test_an_episode_that_no_client_could_read_is_rejected(
    mirror: Connection, connect: Connect, odd: dict[str, Any]
) -> None:
    data = [EPISODES[0] | odd, *EPISODES[1:]]
    assert store(mirror, "episodes", {"data": data, "pagination": {}}) == "stored"
    reader = connect(role="anime_reader")
    assert reader.execute("SELECT number, score, aired_at::date::text FROM anime.episodes(1)")\
        .fetchall() == [(n, 4.5, "1998-04-03") for n in (2, 3)]  # fmt: skip
    assert mirror.execute("SELECT count(*) FROM jikan_sync.rejected_document").fetchone() == (1,)


@pytest.mark.parametrize("odd", ["maybe", 1, None, [], {}])
def test_a_page_with_odd_pagination_is_the_last(mirror: Connection, odd: Any) -> None:
    response = {"data": EPISODES, "pagination": {"has_next_page": odd}}
    assert store(mirror, "episodes", response) == "stored"
    response["pagination"] = {"has_next_page": True}
    assert store(mirror, "episodes", response) == "more"


def recommended(mal_id: Any, votes: Any, **entry: Any) -> dict[str, Any]:
    return {"entry": {"mal_id": mal_id, "title": f"T{mal_id}", **entry}, "votes": votes}


def test_recommendations_are_the_pairs_from_either_side(
    mirror: Connection, connect: Connect
) -> None:
    documents = [anime(2, title="Two"), anime(3, title="Adult", rating="Rx - Hentai")]
    mirror.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps(documents)])
    listed = [
        recommended(2, 5),
        recommended(3, 9),
        recommended(20, 7, url="https://myanimelist.net/anime/20"),
        recommended(2, 5),
        recommended(1, 99),
        recommended(None, 99),
        recommended(4, -3),
        None,
    ]
    assert store(mirror, "recommendations", {"data": listed}) == "stored"
    reader = connect(role="anime_reader")
    rows = "SELECT recommended_mal_id, title, votes, is_mirrored FROM anime.recommendations"
    calm = [(20, "T20", 7, False), (2, "Two", 5, True)]
    assert reader.execute(f"{rows}(1)").fetchall() == calm
    adult = (3, "Adult", 9, True)
    assert reader.execute(f"{rows}(1, nsfw => true)").fetchall() == [adult, *calm]
    assert reader.execute(f"{rows}(1, max_rows => 1)").fetchall() == calm[:1]
    url = "SELECT url, freshness FROM anime.recommendations(1) WHERE NOT is_mirrored"
    assert reader.execute(url).fetchone() == ("https://myanimelist.net/anime/20", "fresh")
    for other in (2, 20):
        back = "SELECT recommended_mal_id, votes, freshness FROM anime.recommendations(%s)"
        votes = 5 if other == 2 else 7
        assert reader.execute(back, [other]).fetchall() == [(1, votes, "never")]


def test_a_facet_is_a_row_a_function_and_a_table(mirror: Connection, connect: Connect) -> None:
    """The three steps of CONTRIBUTING, "How to add a facet"."""
    mirror.execute(
        "CREATE TABLE jikan.forum (anime_id bigint PRIMARY KEY"
        " REFERENCES jikan.anime (id) ON DELETE CASCADE, forum text)"
    )
    mirror.execute(
        "CREATE FUNCTION jikan_sync.store_forum(mal_id integer, documents jsonb,"
        " fetched_at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO jikan.forum SELECT a.id, documents ->> 'forum' FROM jikan.anime AS a"
        " WHERE a.mal_id = store_forum.mal_id; RETURN true; END $$"
    )
    mirror.execute(
        "INSERT INTO jikan_sync.facet (name, position, path, store, description) VALUES"
        " ('forum', 20, '/anime/{id}/forum', 'jikan_sync.store_forum', 'More.')"
    )
    reader = connect(role="anime_reader")
    assert reader.execute("SELECT anime.facet(1, 'forum') ->> 'freshness'").fetchone() == ("never",)
    task = mirror.execute("SELECT r.path FROM jikan_sync.claim_request('w') AS r").fetchone()
    assert task == ("/anime/1/forum",)
    assert store(mirror, "forum", {"data": {"forum": "Watch in order."}}) == "stored"
    assert mirror.execute("SELECT forum FROM jikan.forum").fetchone() == ("Watch in order.",)
    assert reader.execute("SELECT anime.facet(1, 'forum') ->> 'freshness'").fetchone() == ("fresh",)
    assert mirror.execute(
        "SELECT fresh_count FROM jikan_sync.status_facet WHERE facet = 'forum'"
    ).fetchone() == (1,)
    assert mirror.execute("SELECT jikan_sync.max_age('forum', NULL)::text").fetchone() == (
        "90 days",
    )
    # The way back, as a change reverts it.
    mirror.execute("DELETE FROM jikan_sync.facet WHERE name = 'forum'")
    assert mirror.execute(
        "SELECT count(*) FROM jikan_sync.freshness_policy WHERE facet = 'forum'"
    ).fetchone() == (0,)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="without its default policy"):
        mirror.execute("DELETE FROM jikan_sync.freshness_policy WHERE facet = 'core'")


STORE = "SELECT jikan_sync.store_facet(%s, %s, %s::json)"
RECORDED = {
    "characters": "characters-*.json",
    "staff": "staff-*.json",
    "statistics": "statistics-*.json",
    "videos": "videos-[0-9]*.json",
    "recommendations": "recommendations-[0-9]*.json",
    "images": "pictures-[0-9]*.json",
    "reviews": "reviews-[0-9]*.json",
    "episodes": "episodes-[0-9]*.json",
    "videos_episodes": "videos-episodes-*.json",
    "moreinfo": "moreinfo-*.json",
}


def written(connection: Connection) -> dict[str, Any]:
    """Of each table of the mirror how many rows there are, and which transactions wrote them."""
    tables = connection.execute(
        "SELECT oid::regclass::text FROM pg_class"
        " WHERE relnamespace = 'jikan'::regnamespace AND relkind = 'r'"
    ).fetchall()
    count = "SELECT count(*), max(xmin::text::bigint), sum(xmin::text::bigint) FROM "
    return {name: connection.execute((count + name).encode()).fetchone() for (name,) in tables}


@pytest.mark.parametrize("facet", RECORDED)
def test_recordings_are_given_back_as_they_came(
    connection: Connection, shared: Path, facet: str
) -> None:
    files = sorted((shared / "jikan/recorded").glob(RECORDED[facet]))
    stored: list[list[Any]] = []
    for number, file in enumerate(files, start=1):
        document = json.loads(file.read_text(encoding="utf-8"))
        if facet == "episodes" and not isinstance(document["data"], list):
            continue  # one episode by itself is a route of its own
        connection.execute(
            "SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps([anime(number)])]
        )
        response = document | {"pagination": document.get("pagination")}
        arguments = [facet, number, json.dumps(response)]
        answer = connection.execute(STORE, arguments).fetchone()
        assert answer in (("stored",), ("more",)), file.name
        stored.append(arguments)
        row = connection.execute(
            "SELECT d.body::text FROM jikan.facet_document AS d JOIN jikan.anime AS a"
            " ON a.id = d.anime_id WHERE a.mal_id = %s AND d.facet = %s",
            [number, facet],
        ).fetchone()
        assert row is not None
        assert json.loads(row[0]) == document["data"], file.name
        assert list(json.loads(row[0])) == list(document["data"]), "keys in their order"
        read = connection.execute("SELECT anime.facet(%s, %s) -> 'data'", [number, facet])
        assert read.fetchone() == (document["data"],), file.name
    assert stored
    # And again, which writes nothing.
    before = written(connection)
    for arguments in stored:
        assert connection.execute(STORE, arguments).fetchone() in (("unchanged",), ("more",))
    assert written(connection) == before
