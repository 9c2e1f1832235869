"""A small catalogue whose titles are traps, and a search over it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.conftest import Server, fresh_database

Insert = Callable[..., int]
Search = Callable[..., list[tuple[int, str, str, float, bool]]]

# mal_id: title, English, Japanese, synonyms, members and what else matters.
CATALOGUE: dict[int, dict[str, Any]] = {
    20: {"title": "Naruto", "japanese": "ナルト", "members": 2_500_000, "year": 2002},
    1735: {
        "title": "Naruto: Shippuuden",
        "english": "Naruto Shippuden",
        "japanese": "ナルト 疾風伝",
        "members": 2_200_000,
    },
    21: {"title": "One Piece", "japanese": "ONE PIECE", "members": 2_000_000},
    900: {"title": "Cry Heart", "synonyms": ["OnePiece"], "members": 2_000},
    9253: {
        "title": "Steins;Gate",
        "japanese": "シュタインズ・ゲート",
        "members": 2_300_000,
        "score": 9.07,
    },
    10863: {
        "title": "Steins;Gate: Oukoubakko no Poriomania",
        "synonyms": ["Steins"],
        "type": "Special",
        "members": 300_000,
    },
    31240: {
        "title": "Re:Zero kara Hajimeru Isekai Seikatsu",
        "english": "Re:ZERO -Starting Life in Another World-",
        "members": 1_900_000,
    },
    32182: {"title": "Mob Psycho 100", "japanese": "モブサイコ100", "members": 1_700_000},
    37510: {"title": "Mob Psycho 100 II", "japanese": "モブサイコ100 II", "members": 1_200_000},
    50172: {"title": "Mob Psycho 100 III", "japanese": "モブサイコ100 III", "members": 500_000},
    36474: {
        "title": "Sword Art Online: Alicization",
        "synonyms": ["SAO III", "Sword Art Online 3"],
        "members": 1_000_000,
    },
    11757: {"title": "Sword Art Online", "members": 2_700_000},
    39535: {
        "title": "Mushoku Tensei: Isekai Ittara Honki Dasu",
        "english": "Mushoku Tensei: Jobless Reincarnation",
        "members": 1_400_000,
    },
    45576: {"title": "Mushoku Tensei: Isekai Ittara Honki Dasu Part 2", "members": 1_300_000},
    51179: {
        "title": "Mushoku Tensei II: Isekai Ittara Honki Dasu",
        "english": "Mushoku Tensei: Jobless Reincarnation Season 2",
        "members": 900_000,
    },
    50265: {"title": "Spy x Family", "japanese": "SPY×FAMILY", "members": 1_300_000},
    10278: {"title": "THE IDOLM@STER", "japanese": "アイドルマスター", "members": 100_000},
    1694: {"title": "Idolm@ster Xenoglossia", "members": 40_000},
    35507: {
        "title": "Youkoso Jitsuryoku Shijou Shugi no Kyoushitsu e",
        "english": "Classroom of the Elite",
        "members": 1_300_000,
    },
    24833: {
        "title": "Ansatsu Kyoushitsu",
        "english": "Assassination Classroom",
        "japanese": "暗殺教室",
        "members": 1_500_000,
    },
    6213: {
        "title": "Toaru Kagaku no Railgun",
        "english": "A Certain Scientific Railgun",
        "japanese": "とある科学の超電磁砲",
        "members": 500_000,
    },
    249: {"title": "Inuyasha", "members": 600_000},
    136: {
        "title": "Hunter x Hunter",
        "synonyms": ["HxH (1999)"],
        "members": 800_000,
        "year": 1999,
        "score": 8.4,
    },
    11061: {
        "title": "Hunter x Hunter (2011)",
        "english": "Hunter x Hunter",
        "synonyms": ["HxH (2011)"],
        "members": 2_400_000,
        "year": 2011,
        "score": 9.0,
        "genres": ["action", "adventure"],
    },
    13271: {
        "title": "Hunter x Hunter Movie 1: Phantom Rouge",
        "synonyms": ["HxH Movie 1"],
        "type": "Movie",
        "members": 200_000,
    },
    32606: {"title": "Onigiri", "synonyms": ["Demon Slayer"], "members": 30_000},
    38000: {
        "title": "Kimetsu no Yaiba",
        "english": "Demon Slayer: Kimetsu no Yaiba",
        "members": 2_900_000,
    },
    37435: {"title": "Carole & Tuesday", "members": 300_000, "genres": ["drama", "music"]},
    41457: {"title": "86", "english": "86 Eighty-Six", "members": 800_000},
    27525: {"title": "K", "members": 500_000},
    7791: {"title": "K-ON!!", "english": "K-ON! Season 2", "members": 500_000},
    5680: {"title": "K-ON!", "japanese": "けいおん!", "members": 1_000_000},
    54492: {
        "title": "Kusuriya no Hitorigoto",
        "english": "The Apothecary Diaries",
        "japanese": "薬屋のひとりごと",
        "members": None,
        "score": 8.9,
    },
    1762: {"title": "Arslan Senki", "members": 20_000, "type": "OVA"},
    28249: {"title": "Arslan Senki (TV)", "members": 360_000},
    37823: {"title": "CONCEPTION", "members": 118_000},
    801: {"title": "Naruto Adult Parody", "members": 90_000, "rating": "Rx - Hentai"},
}


def insert_anime(
    connection: psycopg.Connection[Any],
    mal_id: int,
    *,
    title: str,
    english: str | None = None,
    japanese: str | None = None,
    synonyms: list[str] | None = None,
    genres: list[str] | None = None,
    **columns: Any,
) -> int:
    titles = [{"type": "Default", "title": title}]
    titles += [{"type": "Synonym", "title": each} for each in synonyms or []]
    if japanese is not None:
        titles.append({"type": "Japanese", "title": japanese})
    if english is not None:
        titles.append({"type": "English", "title": english})
    row = {
        "mal_id": mal_id,
        "title": title,
        "title_english": english,
        "title_japanese": japanese,
        "titles": Jsonb(titles),
        "title_synonyms": synonyms or [],
        "genre_names": genres or [],
        "type": "TV",
        "status": "Finished Airing",
        "core_hash": 0,
        "last_jikan_sync": "2026-01-01",
    } | columns
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    values = sql.SQL(", ").join(sql.Placeholder() * len(row))
    statement = sql.SQL(
        "INSERT INTO jikan.anime ({}) OVERRIDING USER VALUE VALUES ({}) RETURNING id"
    ).format(names, values)
    (anime_id,) = connection.execute(statement, list(row.values())).fetchone() or (0,)
    return int(anime_id)


@pytest.fixture
def insert(connection: psycopg.Connection[Any]) -> Insert:
    """Insert an anime as the store would: `insert(mal_id, title=…, …)` answers our id."""
    return functools.partial(insert_anime, connection)


@pytest.fixture
def catalogue(insert: Insert) -> dict[int, int]:
    """CATALOGUE in the test's own database: our id of each mal_id."""
    return {mal_id: insert(mal_id, **anime) for mal_id, anime in CATALOGUE.items()}


def ask(
    connection: psycopg.Connection[Any], query: str, max_rows: int = 20, **filters: Any
) -> list[Any]:
    names = ["types", "statuses", "genres", "year_from", "year_to", "min_score"]
    return connection.execute(
        """
        SELECT a.mal_id, s.matched_title, s.match, s.rank, r.is_confident
        FROM jikan_sync.search_ranked(
            %s,
            %s,
            jikan_sync.make_filter(
                %s::text[], %s::text[], %s::text[], %s, %s, %s::double precision, %s
            )
        ) AS r
        CROSS JOIN unnest(r.hits) AS s
        JOIN jikan.anime AS a ON a.id = s.anime_id
        ORDER BY s.rank DESC
        """,
        [query, max_rows, *(filters.get(name) for name in names), filters.get("nsfw", False)],
    ).fetchall()


@pytest.fixture
def search(connection: psycopg.Connection[Any]) -> Search:
    """Ask the engine: `(mal_id, matched_title, match, rank, is_confident)`, best first."""
    return functools.partial(ask, connection)


@pytest.fixture(scope="session")
def shared_catalogue(server: Server, template: Any) -> Iterator[psycopg.Connection[Any]]:
    """One database with CATALOGUE for all tests that only read."""
    with (
        fresh_database(server, template.template_dbname) as conninfo,
        psycopg.connect(conninfo, autocommit=True) as connection,
    ):
        for mal_id, anime in CATALOGUE.items():
            insert_anime(connection, mal_id, **anime)
        yield connection


@pytest.fixture
def find(shared_catalogue: psycopg.Connection[Any]) -> Search:
    """Like `search`, in the shared catalogue: look, do not touch."""
    return functools.partial(ask, shared_catalogue)
