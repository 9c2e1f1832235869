"""Lists hold what their filters say, in order, in pages that fit together, with exact totals."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.gateway.facets import store_whole
from tests.store.documents import anime, entry

Connection = psycopg.Connection[Any]
Ask = Callable[..., tuple[int, Any]]

TYPES = {"tv": "TV", "movie": "Movie", "ova": "OVA", "tv_special": "TV Special"}
STATUSES = {
    "airing": "Currently Airing",
    "complete": "Finished Airing",
    "upcoming": "Not yet aired",
}
RATINGS = {
    "pg13": "PG-13 - Teens 13 or older",
    "r17": "R - 17+ (violence & profanity)",
    "r": "R+ - Mild Nudity",
    "rx": "Rx - Hentai",
}
COLUMNS = {
    "mal_id": lambda d: d["mal_id"],
    "title": lambda d: d["title"].encode(),
    "start_date": lambda d: d["aired"]["from"],
    "end_date": lambda d: d["aired"]["to"],
    "episodes": lambda d: d["episodes"],
    "score": lambda d: d["score"],
    "scored_by": lambda d: d["scored_by"],
    "rank": lambda d: d["rank"],
    "popularity": lambda d: d["popularity"],
    "members": lambda d: d["members"],
    "favorites": lambda d: d["favorites"],
}


def made_up(chance: random.Random, mal_id: int) -> dict[str, Any]:
    def maybe(value: Any, share: float = 0.8) -> Any:
        return value if chance.random() < share else None

    year = chance.randint(1960, 2026)
    start = maybe(f"{year}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T00:00:00+00:00")
    end = maybe(f"{year + 1}-01-{chance.randint(1, 28):02}T00:00:00+00:00") if start else None
    return anime(
        mal_id,
        title=f"{chance.choice('abzé')}{chance.randint(1, 50)}",
        type=chance.choice([*TYPES.values(), None]),
        status=chance.choice(list(STATUSES.values())),
        airing=False,
        rating=maybe(chance.choice(list(RATINGS.values()))),
        approved=chance.random() < 0.9,
        aired={"from": start, "to": end},
        season=None,
        year=None,
        episodes=maybe(chance.choice([1, 1, 12, 13, 26])),
        score=maybe(chance.randint(100, 1000) / 100),
        scored_by=maybe(chance.randint(0, 50)),
        rank=maybe(chance.randint(1, 500)),
        popularity=maybe(chance.randint(1, 500)),
        members=maybe(chance.randint(0, 60), 0.95),
        favorites=maybe(chance.randint(0, 5)),
        genres=[entry(g, f"G{g}") for g in chance.sample(range(1, 9), chance.randint(0, 3))],
        explicit_genres=[entry(12, "Hentai")] if chance.random() < 0.1 else [],
        themes=[],
        demographics=[entry(15, "Kids")] if chance.random() < 0.1 else [],
        producers=[entry(p, f"P{p}") for p in chance.sample(range(1, 6), chance.randint(0, 2))],
        licensors=[entry(p, f"P{p}") for p in chance.sample(range(1, 6), chance.randint(0, 1))],
        studios=[],
    )


def admits(document: dict[str, Any], query: dict[str, Any]) -> bool:
    """The rules of the lists, looked up one by one."""
    genres = {
        g["mal_id"] for k in ("genres", "explicit_genres", "demographics") for g in document[k]
    }
    makers = {p["mal_id"] for k in ("producers", "licensors", "studios") for p in document[k]}
    adult = str(document["rating"]).startswith("Rx") or 12 in genres
    score, start, end = document["score"], document["aired"]["from"], document["aired"]["to"]
    numbers = {name: set(map(int, str(query[name]).split(","))) for name in query if "gen" in name}
    return (
        ("unapproved" in query or document["approved"])
        and ("type" not in query or document["type"] == TYPES[query["type"]])
        and ("status" not in query or document["status"] == STATUSES[query["status"]])
        and ("rating" not in query or document["rating"] == RATINGS[query["rating"]])
        and not (query.get("sfw") == "true" and adult)
        and numbers.get("genres", set()) <= genres
        and not numbers.get("genres_exclude", set()) & genres
        and (
            "producers" not in query or bool(set(map(int, query["producers"].split(","))) & makers)
        )
        and ("letter" not in query or document["title"].lower().startswith(query["letter"]))
        and ("min_score" not in query or (score is not None and score >= float(query["min_score"])))
        and ("max_score" not in query or (score is not None and score <= float(query["max_score"])))
        and ("score" not in query or score == float(query["score"]))
        and ("start_date" not in query or (start is not None and start[:10] >= query["start_date"]))
        and ("end_date" not in query or (end is not None and end[:10] <= query["end_date"]))
    )


def some_query(chance: random.Random, documents: list[dict[str, Any]]) -> dict[str, Any]:
    low, high = sorted(chance.sample(range(10, 101), 2))
    years = sorted(chance.sample(range(1955, 2030), 2))
    possible = {
        "type": chance.choice(list(TYPES)),
        "status": chance.choice(list(STATUSES)),
        "rating": chance.choice(list(RATINGS)),
        "sfw": "true",
        "unapproved": "",
        "genres": ",".join(map(str, chance.sample(range(1, 9), chance.randint(1, 2)))),
        "genres_exclude": str(chance.randint(1, 8)),
        "producers": ",".join(map(str, chance.sample(range(1, 6), 2))),
        "letter": chance.choice("abz"),
        "min_score": low / 10,
        "max_score": high / 10,
        "start_date": f"{years[0]}-03-01",
        "end_date": f"{years[1]}-01-15",
    }
    chosen = chance.sample(sorted(possible), chance.randint(0, 4))
    query = {name: possible[name] for name in chosen}
    if chance.random() < 0.1:
        scored = [d["score"] for d in documents if d["score"] and d["score"] < 10]
        query = {"score": chance.choice(scored)}
    return query


def put(connection: Connection, documents: list[dict[str, Any]]) -> None:
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps(documents)])


def check(ask: Ask, chance: random.Random, documents: list[dict[str, Any]], rounds: int) -> None:
    for _ in range(rounds):
        query = some_query(chance, documents)
        column = chance.choice(list(COLUMNS))
        descending = chance.random() < 0.5
        value = COLUMNS[column]
        wanted = [d for d in documents if admits(d, query)]
        known = sorted((d for d in wanted if value(d) is not None), key=lambda d: d["mal_id"])
        known.sort(key=value, reverse=descending)
        unknown = sorted((d for d in wanted if value(d) is None), key=lambda d: d["mal_id"])
        ids = [d["mal_id"] for d in known + unknown]
        page = chance.randint(1, max(1, len(ids) // 25 + 2))
        order = {"order_by": column, "sort": "desc" if descending else "asc", "page": page}
        status, answer = ask("/v4/anime", **query, **order)
        shown = [d["mal_id"] for d in answer["data"]]
        assert status == 200
        assert shown == ids[25 * page - 25 : 25 * page], (query, order)
        assert answer["pagination"] == {
            "last_visible_page": max(1, -(-len(ids) // 25)),
            "has_next_page": 25 * page < len(ids),
            "current_page": page,
            "items": {"count": len(shown), "total": len(ids), "per_page": 25},
        }


@pytest.mark.parametrize("seed", range(2))
def test_any_mixture_of_filters_and_orders_is_exact(
    connection: Connection, ask: Ask, seed: int
) -> None:
    chance = random.Random(seed)
    documents = [made_up(chance, mal_id) for mal_id in range(1, 301)]
    put(connection, documents)
    check(ask, chance, documents, 15)  # nothing is folded yet
    connection.execute("SELECT jikan_sync.v4_fold()")
    check(ask, chance, documents, 40)
    # Some change, some come, some go, before and after they are folded in.
    for mal_id in chance.sample(range(1, 301), 60):
        documents[mal_id - 1] = made_up(chance, mal_id)
    documents += [made_up(chance, mal_id) for mal_id in range(301, 340)]
    put(connection, documents)
    gone = chance.sample(range(1, 340), 20)
    connection.execute(
        "UPDATE jikan.anime SET removed_at = now(), missing_count = 3, first_missing_at = now(),"
        " last_missing_at = now() WHERE mal_id = ANY (%s)",
        [gone],
    )
    connection.execute("DELETE FROM jikan.anime WHERE mal_id = 17")
    documents = [d for d in documents if d["mal_id"] not in {*gone, 17}]
    check(ask, chance, documents, 25)
    connection.execute("SELECT jikan_sync.v4_fold()")
    check(ask, chance, documents, 25)


def test_pages_of_a_search_hold_every_match_once(connection: Connection, ask: Ask) -> None:
    put(
        connection,
        [anime(n, title=f"Ranma {n}", title_english=None, members=n) for n in range(1, 161)],
    )
    seen: list[int] = []
    for page in range(1, 9):
        status, answer = ask("/anime", q="ranma", limit=20, page=page)
        assert (status, answer["pagination"]["items"]["total"]) == (200, 160)
        seen += [d["mal_id"] for d in answer["data"]]
    assert sorted(seen) == list(range(1, 161))
    assert ask("/anime", q="ranma", page=40)[1]["data"] == []


def test_a_search_counts_titles_with_several_names_once_and_all(
    connection: Connection, ask: Ask
) -> None:
    put(
        connection,
        [
            anime(
                n, title=f"Ranma {n}", title_english=f"Ranma the {n}th", members=n,
                title_synonyms=[f"Ranma {k} of {n}" for k in range(30)],
            )
            for n in range(1, 91)
        ],
    )  # fmt: skip
    matches = connection.execute("SELECT cardinality(jikan_sync.search_matches('ranma'))")
    assert matches.fetchone() == (90,)
    seen: list[int] = []
    for page in range(1, 5):
        answer = ask("/anime", q="ranma", page=page)[1]
        assert answer["pagination"]["items"]["total"] == 90
        seen += [d["mal_id"] for d in answer["data"]]
    assert sorted(seen) == list(range(1, 91))
    # What only resembles the words is the ranking's alone.
    assert ask("/anime", q="ranmaa 7")[1]["pagination"]["items"]["total"] < 90


def test_a_search_is_sorted_and_filtered_where_asked(connection: Connection, ask: Ask) -> None:
    put(
        connection,
        [
            anime(1, title="Slayers", members=10, type="TV", score=7.5),
            anime(2, title="Slayers Next", members=900, type="TV", score=8.5),
            anime(3, title="Slayers Great", members=500, type="Movie", score=6),
            anime(4, title="Something else", members=9000),
        ],
    )
    by_members = ask("/anime", q="slayers", order_by="members", sort="desc")[1]
    assert [d["mal_id"] for d in by_members["data"]] == [2, 3, 1]
    films = ask("/anime", q="slayers", type="movie")[1]
    assert ([d["mal_id"] for d in films["data"]], films["pagination"]["items"]["total"]) == ([3], 1)
    assert ask("/anime", q="slayers")[1]["data"][0]["mal_id"] == 1


def test_a_season_has_what_premiered_and_what_came_out_without(
    connection: Connection, ask: Ask, set_clock: Callable[[str], None]
) -> None:
    def aired(day: str) -> dict[str, Any]:
        return {"from": f"{day}T00:00:00+00:00", "to": None}

    put(
        connection,
        [
            anime(1, season="spring", year=2024, aired=aired("2024-03-30"), members=1),
            anime(2, season=None, year=None, type="Movie", aired=aired("2024-06-30"), members=2),
            anime(3, season="winter", year=2024, aired=aired("2024-04-01"), members=3),
            anime(
                4, season="fall", year=1999, status="Currently Airing",
                aired=aired("1999-10-20"), members=4,
            ),
            anime(5, season=None, year=None, type="ONA", aired=aired("2024-07-01"), members=5),
        ],
    )  # fmt: skip

    def ids(path: str, **query: Any) -> list[int]:
        return [d["mal_id"] for d in ask(path, **query)[1]["data"]]

    assert ids("/seasons/2024/spring") == [2, 1]
    assert ids("/seasons/2024/spring", filter="movie") == [2]
    assert ids("/seasons/2024/spring", continuing="true") == [4, 2, 1]
    set_clock("2024-03-31 14:59:59+00")
    assert ids("/seasons/now") == [3]
    set_clock("2024-03-31 15:00:00+00")  # midnight in Tokyo
    assert ids("/seasons/now") == [2, 1]
    years = ask("/seasons")[1]["data"]
    assert years[0] == {"year": 2024, "seasons": ["winter", "spring", "summer"]}


def test_genres_are_counted_as_they_are_now(connection: Connection, ask: Ask) -> None:
    put(connection, [anime(1), anime(2, genres=[entry(1, "Action")], themes=[])])
    for _ in range(2):  # not folded, and folded
        genres = {g["name"]: g["count"] for g in ask("/genres/anime")[1]["data"]}
        assert genres == {"Action": 2, "Sci-Fi": 1, "Space": 1}
        connection.execute("SELECT jikan_sync.v4_fold()")
    put(connection, [anime(1, genres=[])])
    genres = {g["name"]: g["count"] for g in ask("/genres/anime")[1]["data"]}
    assert genres == {"Action": 1, "Space": 1}
    assert [g["name"] for g in ask("/genres/anime", filter="themes")[1]["data"]] == ["Space"]


def test_a_random_anime_is_any(connection: Connection, ask: Ask) -> None:
    assert ask("/random/anime")[0] == 504
    put(connection, [anime(n, rating="Rx - Hentai" if n > 3 else None) for n in range(1, 7)])
    seen = {ask("/random/anime")[1]["data"]["mal_id"] for _ in range(80)}
    assert seen == set(range(1, 7))
    tame = {ask("/random/anime", sfw="")[1]["data"]["mal_id"] for _ in range(40)}
    assert tame == {1, 2, 3}


@pytest.mark.parametrize(
    "path",
    ["/anime/1/episodes", "/anime/1/news", "/anime/1/videos/episodes", "/recommendations/anime"],
)
def test_a_page_past_the_end_of_what_was_received_is_empty(
    connection: Connection, ask: Ask, path: str
) -> None:
    store_whole(connection)
    status, first = ask(path)
    assert (status, len(first["data"])) == (200, 1)
    status, second = ask(path, page=2)
    assert (status, second["data"]) == (200, [])
    assert second["pagination"] == {"last_visible_page": 1, "has_next_page": False}


@pytest.mark.parametrize("is_analysed", [False, True])
def test_what_stands_last_in_the_order_is_found_all_the_same(
    connection: Connection, store: Callable[..., None], ask: Ask, is_analysed: bool
) -> None:
    """Where the walk along the order ends before it has come to the first title of the list."""
    store(
        *[
            anime(n, title=f"T {n}", members=2000 - n, type="Music" if n > 850 else "TV")
            for n in range(1, 1001)
        ]
    )
    if is_analysed:
        connection.execute("ANALYZE jikan.v4_row")
    for page in (1, 2, 6):
        status, answer = ask("/anime", type="music", order_by="members", sort="desc", page=page)
        assert status == 200
        assert answer["pagination"]["items"] == {"count": 25, "total": 150, "per_page": 25}
        first = 851 + 25 * (page - 1)
        assert [item["mal_id"] for item in answer["data"]] == list(range(first, first + 25))


def wishes(connection: Connection) -> list[Any]:
    return connection.execute(
        "SELECT kind, mal_id, query FROM jikan_sync.wish ORDER BY id"
    ).fetchall()


def test_a_list_of_one_stale_title_refreshes_it(connection: Connection) -> None:
    put(connection, [anime(1), anime(2, type="Movie")])
    connection.execute("UPDATE jikan.anime SET last_jikan_sync = '2020-01-01'")
    for query in ('{"type": "movie"}', '{"q": "cowboy bebop", "type": "movie"}'):
        connection.execute("DELETE FROM jikan_sync.wish")
        connection.execute("SELECT anime.v4('/anime', %s)", [query])
        assert wishes(connection) == [("facet", 2, None)], query


def test_a_filter_that_leaves_nothing_makes_a_known_query_no_miss(connection: Connection) -> None:
    put(connection, [anime(1), anime(2, title="Unapproved Things", approved=False)])
    for query in (
        {"q": "cowboy bebop", "type": "movie"},
        {"q": "cowboy bebop", "min_score": "9.9"},
        {"q": "unapproved things"},
    ):
        row = connection.execute(
            "SELECT status, body::json #>> '{pagination,items,total}', was_asked"
            " FROM anime.v4('/anime', %s)",
            [json.dumps(query)],
        ).fetchone()
        assert row == (200, "0", False), query
    assert wishes(connection) == []
    # One that nobody knows is asked for, whatever the filter.
    connection.execute(
        """SELECT anime.v4('/anime', '{"q": "nobody knows this", "type": "movie"}')"""
    )
    assert wishes(connection) == [("search", None, "nobody knows this")]
