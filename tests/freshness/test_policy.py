"""Age decides, by facet and status, at once, and never a flag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from .conftest import Mirror

Clock = Callable[[str], None]


SHIPPED = [
    ("core", "Finished Airing", 30),
    ("core", "Not yet aired", 30),
    ("core", None, 30),
    ("core", "Currently Airing", 1),
    ("themes", "Currently Airing", 90),
    ("relations", None, 90),
    ("links", None, 90),
    ("images", None, 90),
    ("reviews", "Finished Airing", 7),
]


def test_shipped_ages_to_the_second(mirror: Mirror, set_clock: Clock) -> None:
    stale = "SELECT jikan_sync.is_stale(%s, %s, '2030-01-01 12:00:00Z')"
    for facet, status, days in SHIPPED:
        set_clock("2030-01-01 12:00:00Z")
        mirror.advance(f"{days} days -1 second")
        assert mirror.one(stale, facet, status) is False, (facet, status)
        mirror.advance("1 second")
        assert mirror.one(stale, facet, status) is True, (facet, status)
        assert mirror.one("SELECT jikan_sync.max_age(%s, %s)", facet, status).days == days


def test_never_synced_is_stale(mirror: Mirror) -> None:
    assert mirror.one("SELECT jikan_sync.is_stale('images', NULL, NULL)") is True


def test_change_of_policy_is_true_at_once(mirror: Mirror) -> None:
    mirror.add(1)
    mirror.advance("10 days")
    assert mirror.stale() == []
    mirror.run(
        "UPDATE jikan_sync.freshness_policy SET max_age = '10 days'"
        " WHERE facet = 'core' AND status IS NULL"
    )
    assert mirror.stale() == [1]
    mirror.run(
        "INSERT INTO jikan_sync.freshness_policy VALUES ('core', 'Finished Airing', '11 days')"
    )
    assert mirror.stale() == []
    mirror.run("DELETE FROM jikan_sync.freshness_policy WHERE status = 'Finished Airing'")
    assert mirror.stale() == [1]


def test_each_status_has_its_own_range(mirror: Mirror) -> None:
    mirror.add(1, 2, status="Finished Airing")
    mirror.add(3, 4, status="Currently Airing")
    mirror.add(5, status=None)
    mirror.add(6, status="Not yet aired", removed=True)
    assert mirror.stale() == []
    mirror.advance("1 day")
    assert mirror.stale() == [3, 4]
    mirror.advance("29 days")
    assert mirror.stale() == [1, 2, 3, 4, 5]
    assert mirror.stale("-1 second") == [3, 4]


def test_stale_titles_are_found_by_index(mirror: Mirror) -> None:
    mirror.run(
        "INSERT INTO jikan.anime (mal_id, titles, title, core_hash, synopsis, status, "
        "last_jikan_sync)"
        " SELECT n, '[]', 'T', 0, repeat(md5(n::text), 40),"
        " CASE mod(n, 25) WHEN 0 THEN 'Currently Airing' WHEN 1 THEN 'Not yet aired'"
        " ELSE 'Finished Airing' END, jikan_sync.clock_now() - n * interval '1 min'"
        " FROM generate_series(1, 5000) AS n"
    )
    mirror.run("ANALYZE jikan.anime")

    def plan(query: str) -> str:
        rows = mirror.connection.execute(f"EXPLAIN {query}".encode()).fetchall()
        return "\n".join(row[0] for row in rows)

    # A policy is a range of the index; the whole rule is inlined into whoever asks.
    assert "anime_status_last_jikan_sync_idx" in plan(
        "SELECT a.mal_id FROM jikan.anime AS a WHERE a.removed_at IS NULL"
        " AND a.status = 'Currently Airing'"
        " AND a.last_jikan_sync <= jikan_sync.clock_now() - interval '30 days'"
    )
    assert "Function Scan" not in plan("SELECT * FROM jikan_sync.stale_core()")


NONSENSE = [
    "UPDATE jikan_sync.freshness_policy SET max_age = '-1 second' WHERE facet = 'core'",
    "UPDATE jikan_sync.freshness_policy SET max_age = 'infinity' WHERE facet = 'core'",
    "UPDATE jikan_sync.freshness_policy SET max_age = NULL WHERE facet = 'core'",
    "INSERT INTO jikan_sync.freshness_policy VALUES ('cover', NULL, '1 day')",
    "INSERT INTO jikan_sync.freshness_policy VALUES (NULL, NULL, '1 day')",
    "INSERT INTO jikan_sync.freshness_policy VALUES ('core', 'Airing', '1 day')",
    "DELETE FROM jikan_sync.freshness_policy WHERE facet = 'core'",
    "UPDATE jikan_sync.freshness_policy SET status = 'Not yet aired' WHERE facet = 'themes'",
    "UPDATE jikan_sync.freshness_policy SET facet = 'links' WHERE facet = 'themes'",
]


def test_nonsense_is_refused_with_a_hint(mirror: Mirror) -> None:
    for statement in NONSENSE:
        with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
            mirror.run(statement)
        assert refused.value.diag.message_hint, statement


def test_one_rule_a_facet_and_status(mirror: Mirror) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        mirror.run("INSERT INTO jikan_sync.freshness_policy VALUES ('core', NULL, '1 day')")


def test_marking_follows_the_timestamps(
    mirror: Mirror, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    mirror.add(*range(1, 8))
    mirror.advance("30 days")
    storing = connect(autocommit=False)
    storing.execute("SELECT FROM jikan.anime WHERE mal_id = 3 FOR UPDATE")
    assert mirror.one("SELECT jikan_sync.mark_stale(2)") == 6, "in batches, past the locked one"
    storing.rollback()
    assert mirror.one("SELECT jikan_sync.mark_stale()") == 1
    assert mirror.one("SELECT jikan_sync.mark_stale()") == 0
    assert mirror.one("SELECT count(*) FROM jikan.anime WHERE sync_status = 'stale'") == 7
