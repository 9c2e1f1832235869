"""What storing a part of a title reads and writes, counted by the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg

from tests.store.documents import anime
from tests.store.test_store_anime import rejects, store

Connection = psycopg.Connection[Any]


def part(connection: Connection, function: str, documents: list[Any]) -> None:
    connection.execute(f"SELECT jikan_sync.{function}(1, %s::jsonb)", [json.dumps(documents)])


def counted(connection: Connection, table: str) -> dict[str, int]:
    """What this transaction did with a table of the mirror."""
    row = connection.execute(
        "SELECT seq_tup_read + idx_tup_fetch AS read, n_tup_ins AS inserted, n_tup_upd AS updated, "
        "n_tup_del AS deleted FROM pg_stat_xact_user_tables "
        "WHERE schemaname = 'jikan' AND relname = %s",
        [table],
    ).fetchone()
    assert row is not None
    return dict(zip(("read", "inserted", "updated", "deleted"), row, strict=True))


def pictures(count: int, host: str = "a") -> list[Any]:
    return [{"jpg": {"image_url": f"https://{host}.example/{n}.jpg"}} for n in range(count)]


def test_storing_pictures_reads_those_of_the_title_alone(
    connection: Connection, connect: Callable[..., Connection]
) -> None:
    store(connection, [anime(mal_id) for mal_id in range(1, 31)])
    connection.execute(
        "INSERT INTO jikan.picture SELECT a.id, n, '{}' FROM jikan.anime AS a, "
        "generate_series(1, 200) AS n WHERE a.mal_id > 1"
    )
    connection.execute("ANALYZE jikan.picture")
    part(connection, "store_pictures", [*pictures(5), "no picture", *pictures(2, "b")])
    writer = connect(autocommit=False)
    part(writer, "store_pictures", [*pictures(4), *pictures(1, "c")])
    counts = counted(writer, "picture")
    assert counts.pop("read") < 30
    assert counts == {"inserted": 0, "updated": 1, "deleted": 2}
    writer.commit()
    writer = connect(autocommit=False)  # a session's counts go on
    part(writer, "store_pictures", [*pictures(4), *pictures(1, "c")])
    counts = counted(writer, "picture")
    assert counts.pop("read") < 30
    assert counts == {"inserted": 0, "updated": 0, "deleted": 0}
    writer.commit()
    rows = connection.execute(
        "SELECT p.position, p.images FROM jikan.picture AS p "
        "INNER JOIN jikan.anime AS a ON a.id = p.anime_id WHERE a.mal_id = 1 ORDER BY 1"
    ).fetchall()
    assert rows == list(enumerate([*pictures(4), *pictures(1, "c")], 1))


def review(number: int, **changes: Any) -> dict[str, Any]:
    document = {
        "mal_id": number,
        "url": f"https://example.org/{number}",
        "score": 8,
        "tags": ["Recommended"],
        "review": f"The opinion number {number}.",
        "reactions": {"overall": 3},
        "is_spoiler": False,
        "is_preliminary": None,
        "episodes_watched": None,
        "user": {"username": "somebody"},
        "date": "2024-05-01T10:00:00+00:00",
    }
    return document | changes


def test_the_same_reviews_again_touch_no_row(
    connection: Connection, connect: Callable[..., Connection]
) -> None:
    store(connection, [anime()])
    page = [review(n) for n in range(1, 21)] + [review(3)]
    part(connection, "store_reviews", page)
    stored = "SELECT r.ctid::text, r.xmin::text, r.xmax::text, r.* FROM jikan.review AS r"
    before = sorted(connection.execute(stored).fetchall())
    assert len(before) == 20
    writer = connect(autocommit=False)
    part(writer, "store_reviews", page)
    counts = counted(writer, "review")
    assert (counts["inserted"], counts["updated"], counts["deleted"]) == (0, 0, 0)
    writer.commit()
    assert sorted(connection.execute(stored).fetchall()) == before

    # One gone, one changed, one that is none.
    changed = [*page[1:4], review(5, score=2, tags=None), *page[5:20], {"mal_id": "x"}]
    part(writer, "store_reviews", changed)
    counts = counted(writer, "review")
    assert (counts["inserted"], counts["updated"], counts["deleted"]) == (19, 0, 20)
    writer.commit()
    rows = connection.execute(
        "SELECT review_mal_id, score, tags, username FROM jikan.review ORDER BY position"
    ).fetchall()
    assert [row[0] for row in rows] == list(range(2, 21))
    assert rows[3] == (5, 2, [], "somebody")
    assert [mal_id for mal_id, _ in rejects(connection)] == [1]
