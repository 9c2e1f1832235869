"""Other faces of search: titles as they are typed, what narrows a search, what of a title fits."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.search.conftest import Insert
from tests.search.test_hostile import HOSTILE

Connection = psycopg.Connection[Any]
HIGHLIGHT = "SELECT s.matched_title, s.match, s.highlight FROM anime.search_cached(%s, 1) AS s"


def marked(title: str, highlight: Any) -> str:
    """The title with its highlighted parts in brackets."""
    for first, behind in reversed(highlight):
        title = f"{title[:first]}<{title[first:behind]}>{title[behind:]}"
    return title


def suggest(connection: Connection, prefix: str | None, *rest: Any) -> list[str]:
    rows = connection.execute(
        "SELECT s.title, s.highlight FROM anime.suggest({}) AS s".format(
            ", ".join(["%s"] * (1 + len(rest)))
        ).encode(),
        [prefix, *rest],
    ).fetchall()
    return [marked(*row) for row in rows]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("n", ["<N>aruto", "<N>aruto: Shippuuden"]),
        ("NARUTO", ["<Naruto>", "<Naruto>: Shippuuden"]),
        ("naruto s", ["<Naruto: S>hippuuden"]),
        ("shippuu", ["Naruto: <Shippuu>den"]),
        ("art onl", ["Sword <Art Onl>ine", "Sword <Art Onl>ine: Alicization"]),
        ("reze", ["<Re:Ze>ro kara Hajimeru Isekai Seikatsu"]),
        ("isekai s", ["Re:Zero kara Hajimeru <Isekai S>eikatsu"]),
        ("シュタ", ["<シュタ>インズ・ゲート"]),
        ("疾風", ["ナルト <疾風>伝"]),
        ("nartuo", []),
        ("uto", []),
        ("rutos", []),
    ],
)  # fmt: skip
def test_suggestions_are_beginnings(
    shared_catalogue: Any, prefix: str, expected: list[str]
) -> None:
    assert suggest(shared_catalogue, prefix) == expected


def test_a_whole_title_comes_first_and_each_anime_once(insert: Insert, connection: Any) -> None:
    insert(1, title="Airy", english="Air Force", synonyms=["Air Gear"], members=2_500_000)
    insert(2, title="Air", members=100)
    for number in range(100):
        insert(10 + number, title=f"Air {number:03}", members=500_000)
    insert(3, title="Little", synonyms=["Air"], members=10)
    found = suggest(connection, "air", 100)
    assert found[:2] == ["<Air>", "<Air>y"]
    assert len(found) == 100
    assert suggest(connection, "air") == found[:8]


def test_suggestions_leave_out_what_a_search_leaves_out(insert: Insert, connection: Any) -> None:
    insert(1, title="Moon Walk", rating="Rx - Hentai", members=9_000)
    insert(2, title="Moon Boots", approved=False)
    gone = dict.fromkeys(["removed_at", "first_missing_at", "last_missing_at"], "2026-01-01")
    insert(3, title="Moon Gone", missing_count=1, **gone)
    insert(4, title="Moon Light")
    assert suggest(connection, "moon") == ["<Moon> Light"]
    assert suggest(connection, "moon", 8, True) == ["<Moon> Walk", "<Moon> Light"]


def test_titles_are_suggested_as_people_read_them(insert: Insert, connection: Any) -> None:
    insert(1, title="Pok&eacute;mon &amp; Co")
    assert suggest(connection, "pokem") == ["<Pokém>on & Co"]


def test_suggesting_and_counting_write_nothing(connection: Any, insert: Insert) -> None:
    insert(1, title="Naruto")
    counts = (
        "SELECT (SELECT count(*) FROM jikan_sync.wish), (SELECT count(*) FROM jikan_sync.queue),"
        " (SELECT count(*) FROM jikan_sync.search_request)"
    )
    before = connection.execute(counts).fetchone()
    for query in ("naruto", "a show nobody knows"):
        connection.execute("SELECT anime.suggest(%s), anime.search_facets(%s)", [query, query])
    assert connection.execute(counts).fetchone() == before
    connection.execute("SET default_transaction_read_only = on")
    connection.execute("SELECT anime.suggest('naruto'), anime.search_facets('naruto')")


@pytest.mark.parametrize("most", [0, 101, None])
def test_as_many_suggestions_as_a_search_has_rows(connection: Any, most: int | None) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="max_rows"):
        suggest(connection, "naruto", most)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("steins;gate", "<Steins;Gate>"),
        ("onepiece", "<One Piece>"),
        ("steins g", "<Steins;G>ate"),
        ("steinsg", "<Steins;G>ate"),
        ("re zero", "<Re:Zero> kara Hajimeru Isekai Seikatsu"),
        ("shippuuden", "Naruto: <Shippuuden>"),
        ("isekai honki", "Mushoku Tensei: <Isekai> Ittara <Honki> Dasu"),
        ("honki isekai", "Mushoku Tensei: <Isekai> Ittara <Honki> Dasu"),
        ("疾風伝", "ナルト <疾風伝>"),
        ("モブ", "<モブ>サイコ100"),
        ("nartuo shipuuden", "<Naruto: Shippuuden>"),
        ("sord art onlien", "<Sword Art Online>"),
        # What stands around a title is none of it.
        ("watch shippuuden", "Naruto: <Shippuuden>"),
        ("isekai ittara season 2", "Mushoku Tensei II: <Isekai Ittara> Honki Dasu"),
    ],
)
def test_what_a_query_matched_is_highlighted(
    shared_catalogue: Any, query: str, expected: str
) -> None:
    title, _, highlight = shared_catalogue.execute(HIGHLIGHT, [query]).fetchone()
    assert marked(title, highlight) == expected


@pytest.mark.parametrize(
    ("words", "title", "expected"),
    [
        ("haikyu to", "Haikyuu!! To the Top", "<Haikyu>u!! <To> the Top"),
        ("haikyuu t", "Haikyū!! TO THE TOP", "<Haikyū!! T>O THE TOP"),
        ("k on m", "K-ON!: Movie", "<K-ON!: M>ovie"),
        ("oshi no", "[Oshi no Ko]", "[<Oshi no> Ko]"),
        ("dont toy", "Please, don't toy with me", "Please, <don't toy> with me"),
        ("sakis", "Kanojo to Saki's Choice", "Kanojo to <Saki's> Choice"),
        ("hells par", "Hell’s Paradise", "<Hell’s Par>adise"),
        ("idolmaster", "The iDOLM@STER", "The <iDOLM@STER>"),
        ("pokemon", "Gekijouban Pokémon", "Gekijouban <Pokémon>"),
        ("超電磁砲", "とある科学の超電磁砲S", "とある科学の<超電磁砲>S"),
        ("とある 超電磁砲", "とある科学の超電磁砲", "<とある>科学の<超電磁砲>"),
        ("เจ้า", "เจ้าหญิง ภาค 2", "<เจ้า>หญิง ภาค 2"),
        ("ан", "Иван Андрей", "Иван <Ан>дрей"),
        ("الأنمي", "عالم الأنمي!", "عالم <الأنمي>!"),
        ("fma brotherhood", "Fullmetal Alchemist", "Fullmetal Alchemist"),
        ("a a a", "A b A", "<A> b A"),
    ],
)
def test_each_letter_is_where_it_stands(
    shared_catalogue: Any, words: str, title: str, expected: str
) -> None:
    (highlight,) = shared_catalogue.execute(
        "SELECT jikan_sync.highlight(jikan_sync.normalise_query(%s), %s, 'prefix')", [words, title]
    ).fetchone()
    assert marked(title, highlight) == expected


def test_what_matched_no_title_has_no_highlight(insert: Insert, connection: Any) -> None:
    insert(1, title="One", synopsis="A boy of rubber becomes a pirate.", members=50_000)
    assert connection.execute(HIGHLIGHT, ["boy rubber pirate"]).fetchone() == ("One", "text", None)
    connection.execute("SELECT jikan_sync.learn_search('imas', '{1}')")
    assert connection.execute(HIGHLIGHT, ["imas"]).fetchone() == ("One", "upstream", None)


def test_every_way_to_search_highlights(insert: Insert, connection: Any) -> None:
    insert(1, title="Naruto")
    (row,) = connection.execute("SELECT to_jsonb(s) FROM anime.search('naru') AS s").fetchone()
    assert row["highlight"] == [[0, 4]]
    (answer,) = connection.execute("CALL anime.search_live('naru', wait => '0')").fetchone()
    assert answer["results"][0]["highlight"] == [[0, 4]]
    last = connection.execute(
        "SELECT a.attname FROM pg_attribute AS a"
        " WHERE a.attrelid = 'anime.search_result'::regclass ORDER BY a.attnum DESC LIMIT 1"
    ).fetchone()
    assert last == ("highlight",)


def facets(connection: Connection, query: str | None, **filters: Any) -> dict[str, dict[str, int]]:
    given = "".join(f", {name} => %({name})s" for name in filters)
    rows = connection.execute(
        f"SELECT f.* FROM anime.search_facets(%(query)s{given}) AS f".encode(),
        {"query": query, **filters},
    )
    found: dict[str, dict[str, int]] = {}
    for facet, value, count in rows:
        found.setdefault(facet, {})[value] = count
    return found


@pytest.fixture
def moons(insert: Insert) -> None:
    insert(1, title="Moon A", type="TV", year=2001, genres=["drama", "music"], members=9_000)
    insert(2, title="Moon B", type="TV", year=2002, genres=["drama"], score=8)
    insert(3, title="Moon C", type="Movie", aired_from="2001-05-05", genres=["music"])
    insert(4, title="Moon D", type=None, status=None)
    insert(5, title="Moon E", type="OVA", rating="Rx - Hentai")


def test_facets_count_the_hits(moons: None, connection: Any) -> None:
    assert facets(connection, "moon") == {
        "type": {"TV": 2, "Movie": 1},
        "year": {"2001": 2, "2002": 1},
        "status": {"Finished Airing": 3},
        "genre": {"drama": 2, "music": 2},
    }
    assert facets(connection, "moon", nsfw=True)["type"] == {"TV": 2, "Movie": 1, "OVA": 1}


@pytest.mark.parametrize(
    "filters",
    [
        {"types": ["tv"]},
        {"statuses": ["Finished Airing"]},
        {"genres": ["Drama"]},
        {"year_from": 2002},
        {"year_to": 2001},
        {"min_score": 7.5},
    ],
    ids=str,
)
def test_facets_are_of_what_a_search_with_the_filters_finds(
    moons: None, connection: Any, filters: dict[str, Any]
) -> None:
    given = ", ".join(f"{name} => %({name})s" for name in filters)
    rows = connection.execute(
        f"SELECT s.type FROM anime.search_cached('moon', 100, {given}) AS s".encode(), filters
    ).fetchall()
    assert rows
    types = [kind for (kind,) in rows if kind is not None]
    assert facets(connection, "moon", **filters)["type"] == {k: types.count(k) for k in types}


def test_facets_refuse_what_a_search_refuses(connection: Any) -> None:
    for filters in ({"types": ["Opera"]}, {"min_score": 11}, {"year_from": 2, "year_to": 1}):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            facets(connection, "moon", **filters)


@pytest.mark.parametrize(
    "query", [*HOSTILE, None, "x" * 10_000, "ナ" * 10_000, "ไ" * 10_000], ids=lambda q: repr(q)[:20]
)
def test_hostile_strings(shared_catalogue: Any, query: str | None) -> None:
    shared_catalogue.execute("SET statement_timeout = '5s'")
    for title, highlight in shared_catalogue.execute(
        "SELECT s.title, s.highlight FROM anime.suggest(%s, 100) AS s"
        " UNION ALL SELECT s.matched_title, s.highlight FROM anime.search_cached(%s, 100) AS s",
        [query, query],
    ):
        for first, behind in highlight or ():
            assert 0 <= first < behind <= len(title)
    assert all(count > 0 for each in facets(shared_catalogue, query).values()
               for count in each.values())  # fmt: skip
