"""What Jikan said, asked again by its URL: each recorded answer is stored and must come back equal.

What is deliberately different stands in docs/how-to/gateway.md; the sets below name the recordings
that show it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg

#: Recordings that say no whole answer of Jikan v4's own: an old shape, cut by hand, of another
#: route than they name, or without a URL.
UNUSABLE = frozenset(
    {
        "reviews-reactive-jikan.json",
        "anime-unknowns-reactive-jikan.json",
        "pictures-reactive-jikan.json",
        "seasons-upcoming-limit10.json",
        "error-429-ratelimit.json",
        "search-elusive.json",
        "search-naruto.json",
    }
)
#: Jikan could not reach MyAnimeList: what the database has, it has.
UPSTREAM_FAILURES = "error-500-"
#: Facets by the end of their route.
FACETS = {
    "characters": "characters",
    "staff": "staff",
    "episodes": "episodes",
    "videos": "videos",
    "videos/episodes": "videos_episodes",
    "statistics": "statistics",
    "moreinfo": "moreinfo",
    "recommendations": "recommendations",
}

Connection = psycopg.Connection[Any]


def recordings(shared: Path) -> Iterator[tuple[str, str, dict[str, str], Any, dict[str, Any]]]:
    folder = shared / "jikan/recorded"
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, told in sorted(manifest.items()):
        url = urlsplit(told["url"])
        if (
            name in UNUSABLE
            or "<" in told["url"]
            or not re.match(r"https?://[\w.]+/v4/[\w/-]+(\?|$)", told["url"])
        ):
            continue
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        yield name, url.path, query, json.loads((folder / name).read_text()), told


def ask(connection: Connection, path: str, query: dict[str, str]) -> tuple[int, str]:
    row = connection.execute(
        "SELECT r.status, r.body FROM anime.v4_cached(%s, %s::jsonb) AS r",
        [path, json.dumps(query)],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def store_title(connection: Connection, mal_id: int) -> int:
    document = {"mal_id": mal_id, "title": f"Title {mal_id}"}
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps([document])])
    row = connection.execute("SELECT id FROM jikan.anime WHERE mal_id = %s", [mal_id]).fetchone()
    assert row is not None
    return int(row[0])


def same(given: Any, wanted: Any) -> bool:
    """Equal, and with the keys in the same order."""
    return json.dumps(given) == json.dumps(wanted)


def test_titles_come_back_equal(connection: Connection, shared: Path) -> None:
    seen = 0
    for name, path, query, body, told in recordings(shared):
        if told["status"] != 200 or not re.fullmatch(r"/v4/anime/\d+(/full)?", path):
            continue
        with connection.transaction(force_rollback=True):
            connection.execute(
                "SELECT jikan_sync.store_anime(%s::jsonb, 'full')", [json.dumps([body["data"]])]
            )
            status, answer = ask(connection, path, query)
        assert status == 200, name
        assert same(json.loads(answer), body), name
        seen += 1
    assert seen >= 30


def test_parts_of_a_full_document_come_back_equal(connection: Connection, shared: Path) -> None:
    fields = {
        "relations": "relations",
        "themes": "theme",
        "external": "external",
        "streaming": "streaming",
    }
    seen = 0
    for name, path, query, body, told in recordings(shared):
        part = path.rpartition("/")[2]
        if told["status"] != 200 or not path.startswith("/v4/anime/") or part not in fields:
            continue
        mal_id = int(path.split("/")[3])
        empty = {"relations": [], "theme": {"openings": [], "endings": []}}
        document = {"mal_id": mal_id, "title": "A", **empty, fields[part]: body["data"]}
        with connection.transaction(force_rollback=True):
            connection.execute(
                "SELECT jikan_sync.store_anime(%s::jsonb, 'full')", [json.dumps([document])]
            )
            status, answer = ask(connection, path, query)
        assert status == 200, name
        assert same(json.loads(answer), body), name
        seen += 1
    assert seen >= 6


def test_pictures_and_reviews_come_back_equal(connection: Connection, shared: Path) -> None:
    seen = 0
    for name, path, query, body, told in recordings(shared):
        found = re.fullmatch(r"/v4/anime/(\d+)/(pictures|reviews)", path)
        if told["status"] != 200 or not found:
            continue
        with connection.transaction(force_rollback=True):
            store_title(connection, int(found[1]))
            connection.execute(
                f"SELECT jikan_sync.store_{found[2]}(%s, %s::jsonb)",
                [int(found[1]), json.dumps(body["data"])],
            )
            status, answer = ask(connection, path, query)
        assert status == 200, name
        assert same(json.loads(answer), body), name
        seen += 1
    assert seen >= 3


def test_facets_come_back_as_received(connection: Connection, shared: Path) -> None:
    seen = 0
    for name, path, query, body, told in recordings(shared):
        found = re.fullmatch(r"/v4/anime/(\d+)/(.+)", path)
        if told["status"] != 200 or not found or found[2] not in FACETS:
            continue
        with connection.transaction(force_rollback=True):
            connection.execute(
                "INSERT INTO jikan.facet_document (anime_id, facet, page, body, pagination, hash)"
                " VALUES (%s, %s, %s, %s::json, %s::json, 0)",
                [
                    store_title(connection, int(found[1])),
                    FACETS[found[2]],
                    int(query.get("page", 1)),
                    json.dumps(body["data"]),
                    json.dumps(body["pagination"]) if "pagination" in body else None,
                ],
            )
            status, answer = ask(connection, path, query)
        assert status == 200, name
        given, wanted = json.loads(answer), dict(body)
        assert given == wanted, name
        assert same(given["data"], wanted["data"]), name
        seen += 1
    assert seen >= 40


def test_the_list_about_all_comes_back_as_received(connection: Connection, shared: Path) -> None:
    seen = 0
    for name, path, query, body, told in recordings(shared):
        if told["status"] != 200 or path != "/v4/recommendations/anime":
            continue
        with connection.transaction(force_rollback=True):
            connection.execute(
                "INSERT INTO jikan.list_document (path, page, body, pagination, hash, synced_at)"
                " VALUES (%s, %s, %s::json, %s::json, 0, now())",
                [
                    path.removeprefix("/v4/"),
                    int(query.get("page", 1)),
                    json.dumps(body["data"]),
                    json.dumps(body["pagination"]),
                ],
            )
            status, answer = ask(connection, path, query)
        assert status == 200, name
        assert json.loads(answer) == body, name
        seen += 1
    assert seen >= 3


def test_an_episode_comes_back_equal(connection: Connection, shared: Path) -> None:
    seen = 0
    for name, path, query, body, told in recordings(shared):
        found = re.fullmatch(r"/v4/anime/(\d+)/episodes/(\d+)", path)
        if told["status"] != 200 or not found:
            continue
        with connection.transaction(force_rollback=True):
            connection.execute(
                "INSERT INTO jikan.facet_document (anime_id, facet, page, body, hash)"
                " VALUES (%s, 'episode', %s, %s::json, 0)",
                [store_title(connection, int(found[1])), found[2], json.dumps(body["data"])],
            )
            status, answer = ask(connection, path, query)
        assert status == 200, name
        assert same(json.loads(answer), body), name
        seen += 1
    assert seen == 3


def test_one_by_chance_comes_back_equal(connection: Connection, shared: Path) -> None:
    seen = 0
    for name, path, query, body, told in recordings(shared):
        if told["status"] != 200 or path != "/v4/random/anime":
            continue
        with connection.transaction(force_rollback=True):
            connection.execute(
                "SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps([body["data"]])]
            )
            status, answer = ask(connection, path, query)
        assert status == 200, name
        assert same(json.loads(answer), body), name
        seen += 1
    assert seen == 4


def test_the_seasons_come_back_equal(connection: Connection, shared: Path) -> None:
    seen = 0
    for name, path, query, body, told in recordings(shared):
        if told["status"] != 200 or path != "/v4/seasons":
            continue
        seasons = [(y["year"], season) for y in body["data"] for season in y["seasons"]]
        documents = [
            {"mal_id": place, "title": "A", "year": year, "season": season}
            for place, (year, season) in enumerate(seasons, 1)
        ]
        with connection.transaction(force_rollback=True):
            connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps(documents)])
            status, answer = ask(connection, path, query)
        assert status == 200, name
        assert same(json.loads(answer), body), name
        seen += 1
    assert seen == 2


#: The ids that the kinds of genres begin with.
KINDS = {1: "genres", 9: "explicit_genres", 50: "themes", 43: "demographics"}


def test_the_genres_come_back_in_their_order(connection: Connection, shared: Path) -> None:
    """With the counts of what is here; Jikan leaves in their place those that got another name."""
    seen = 0
    for name, path, query, body, told in recordings(shared):
        if told["status"] != 200 or path != "/v4/genres/anime":
            continue
        lists: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS.values()}
        kind = ""
        for genre in body["data"]:
            kind = KINDS.get(genre["mal_id"], kind)
            lists[kind].append(genre)
        document = {"mal_id": 1, "title": "A", **{k: v[::-1] for k, v in lists.items()}}
        with connection.transaction(force_rollback=True):
            connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps([document])])
            status, answer = ask(connection, path, query)
        assert status == 200, name
        wanted = [{**genre, "count": 1} for genre in body["data"]]
        if not name.startswith("jikanpy2022-"):
            begins = [wanted.index({**part[0], "count": 1}) for part in lists.values()]
            wanted = [
                genre
                for begin, end in zip(begins, [*begins[1:], None], strict=True)
                for genre in sorted(wanted[begin:end], key=lambda g: str(g["name"]))
            ]
        assert same(json.loads(answer)["data"], wanted), name
        seen += 1
    assert seen == 3


def test_a_list_of_an_older_jikan_holds_the_same(connection: Connection, shared: Path) -> None:
    """It had fewer keys, and less to say of its pages."""
    [(_, path, query, body, _)] = [r for r in recordings(shared) if r[0] in OLDER]
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps(body["data"])])
    status, answer = ask(connection, path, query)
    assert status == 200
    given = {document["mal_id"]: document for document in json.loads(answer)["data"]}
    assert len(given) == len(body["data"]) == 25
    for wanted in body["data"]:
        assert {key: given[wanted["mal_id"]][key] for key in wanted} == wanted


#: Of a time when documents had no `titles`.
OLDER = frozenset({"top-anime-p1-2022.json"})
#: Recordings of what is not answered.
NOT_SERVED = frozenset(
    {"reviews-anime-global-p1-b.json", "reviews-anime-global-p1.json", "reviews-anime-p1.json"}
)


def test_no_recording_is_left_out(shared: Path) -> None:
    """Each answer of Jikan's is one of those that the tests here ask for."""
    others = re.compile(
        r"/v4/(anime/\d+(/(full|relations|themes|external|streaming|pictures|reviews"
        rf"|episodes/\d+|{'|'.join(FACETS)}))?"
        r"|recommendations/anime|random/anime|seasons|genres/anime)"
    )
    left = set()
    for name, path, _, body, told in recordings(shared):
        data = body.get("data") if isinstance(body, dict) else None
        is_list = isinstance(data, list) and all("titles" in document for document in data)
        if told["status"] == 200 and not is_list and not others.fullmatch(path):
            left.add(name)
    assert left == NOT_SERVED | OLDER


#: In 2022 Jikan showed what MyAnimeList had not approved; since then one has to ask for it.
DIFFERING = {
    f"jikanpy2022-{name}.json": {53240}
    for name in ("search", "aio-search", "search-genre-exclude", "aio-search-genre-exclude")
} | {
    # What merely resembles a word of the query ("heals" for Hellsing) ours leaves out while titles
    # fit exactly.
    "search-ova-format.json": {39651},
}


def test_lists_hold_the_same_titles(connection: Connection, shared: Path) -> None:
    seen = 0
    differing = {}
    for name, path, query, body, told in recordings(shared):
        data = body.get("data") if isinstance(body, dict) else None
        if told["status"] != 200 or not isinstance(data, list) or not data:
            continue
        if not all(isinstance(d, dict) and "titles" in d for d in data):
            continue
        wanted = {document["mal_id"]: document for document in data}
        first = {**query, "page": "1"} if "page" in query else query
        with connection.transaction(force_rollback=True):
            if path == "/v4/seasons/now":
                connection.execute(
                    "SELECT jikan_sync.clock_set(%s::timestamptz)", [told["captured_at"]]
                )
            connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps(data)])
            status, answer = ask(connection, path, first)
        assert status == 200, name
        given = json.loads(answer)
        found = {document["mal_id"]: document for document in given["data"]}
        if set(found) != set(wanted):
            differing[name] = set(wanted) ^ set(found)
            continue
        assert same([found[m] for m in sorted(found)], [wanted[m] for m in sorted(wanted)]), name
        items = given["pagination"]["items"]
        recorded = body.get("pagination", {})
        if "items" in recorded:
            assert items["per_page"] == recorded["items"]["per_page"], name
        assert items["count"] == items["total"] == len(wanted), name
        seen += 1
    assert differing == DIFFERING
    assert seen >= 90


#: Recordings of refusals whose URL does not say what was given, with a value that is refused alike.
GIVEN = {
    "error-400-validation-limit.json": {"limit": "50"},
    "error-400-validation-end-date.json": {"end_date": "soon"},
    "error-400-validation-start-date.json": {"start_date": "2024"},
}


def test_refusals_are_the_recorded_ones(connection: Connection, shared: Path) -> None:
    folder = shared / "jikan/recorded"
    manifest = json.loads((folder / "manifest.json").read_text())
    refusals = [n for n in sorted(manifest) if re.match(r"error-(400|404|504)-", n)]
    assert len(refusals) >= 9
    for name in refusals:
        url = urlsplit(manifest[name]["url"])
        query = GIVEN.get(name, dict(parse_qsl(url.query)))
        body = json.loads((folder / name).read_text())
        if name == "error-404-badresponse.json":  # said by who has asked MyAnimeList
            connection.execute(
                "SELECT jikan_sync.store_anime(%s::jsonb)",
                [json.dumps([{"mal_id": 55312, "title": "Gone"}])],
            )
            connection.execute(
                "UPDATE jikan.anime SET missing_count = 3, first_missing_at = now(),"
                " last_missing_at = now(), removed_at = now()"
            )
        if name == "error-504-badresponse.json":  # a title that nobody here has heard of
            url, query = url._replace(path="/v4/anime/1"), {}
        status, answer = ask(connection, url.path, query)
        assert status == manifest[name]["status"], name
        assert json.loads(answer) == body, name
