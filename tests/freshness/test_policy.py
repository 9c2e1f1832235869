"""Age decides, by facet and status, at once, and never a flag."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.store.documents import anime
from tests.store.test_store_anime import store

from .conftest import Mirror

Clock = Callable[[str], None]
IMAGE_KINDS = ("jpg", "webp")


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
    ("recommendations", None, 180),
    ("characters", None, 90),
    ("staff", None, 90),
    ("episodes", "Finished Airing", 90),
    ("episodes", "Currently Airing", 1),
    ("videos", None, 90),
    ("videos", "Currently Airing", 7),
    ("statistics", None, 7),
    ("news", None, 1),
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


def wide(mal_id: int) -> dict[str, Any]:
    """A title with as much to say as a known one, so that its story lies outside its row."""
    chance = random.Random(mal_id)

    def text(length: int) -> str:
        return "".join(chance.choices(string.ascii_letters + "    ", k=length))

    host = f"https://cdn.example.org/images/anime/{mal_id}/{7 * mal_id}"
    names = ("image_url", "small_image_url", "large_image_url")
    return anime(
        mal_id,
        title=f"Title {mal_id}",
        titles=[{"type": kind, "title": text(30)} for kind in ("Default", "Synonym", "English")],
        synopsis=text(600),
        background=text(300),
        images={kind: {name: f"{host}{name[0]}.{kind}" for name in names} for kind in IMAGE_KINDS},
    )


def test_a_walk_that_confirms_touches_no_index(mirror: Mirror) -> None:
    pages = [[wide(mal_id) for mal_id in range(n, n + 25)] for n in range(1, 501, 25)]
    for page in pages:
        assert store(mirror.connection, page) == (25, 0, 0, 0)
    mirror.run("VACUUM FREEZE ANALYZE jikan.anime, jikan_sync.ledger")
    for _ in range(2):
        mirror.run("SELECT pg_stat_force_next_flush()")
        mirror.run("SELECT pg_stat_reset()")
        mirror.advance("2 days")
        for page in pages:
            assert store(mirror.connection, page) == (0, 25, 0, 0)
        mirror.run("SELECT pg_stat_force_next_flush()")
        for table in ("jikan.anime", "jikan_sync.ledger"):
            updated, hot = mirror.connection.execute(
                "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
                " WHERE relid = %s::regclass",
                [table],
            ).fetchone()  # type: ignore[misc]
            assert updated == 500, table
            assert hot >= 0.9 * updated, table


def test_the_ledger_follows_whoever_writes_the_title(mirror: Mirror) -> None:
    mirror.add(1)
    stored = "SELECT stored_at FROM jikan_sync.ledger WHERE mal_id = 1 AND facet = 'core'"
    assert mirror.one(stored) == datetime(2030, 1, 1, 12, tzinfo=UTC)
    mirror.run(
        "UPDATE jikan.anime SET last_jikan_sync = '2020-01-01Z', status = 'Currently Airing'"
    )
    assert mirror.one(stored) == datetime(2020, 1, 1, tzinfo=UTC)
    assert mirror.stale() == [1]
    assert mirror.one("SELECT DISTINCT status FROM jikan_sync.ledger") == "Currently Airing"
    mirror.run("DELETE FROM jikan.anime")
    assert mirror.one("SELECT count(*) FROM jikan_sync.ledger") == 0


#: When it was stored, how old it may get, and when it is. Clocks change between, in Europe or in
#: America.
AGES = [
    ("2030-01-31 00:00:00Z", "1 month", "2030-03-02 00:00:00Z"),
    ("2026-10-22 12:00:00Z", "7 days", "2026-10-29 12:00:00Z"),
    ("2026-10-29 12:00:00Z", "7 days", "2026-11-05 12:00:00Z"),
    ("2027-03-10 12:00:00Z", "7 days", "2027-03-17 12:00:00Z"),
    ("2027-03-25 12:00:00Z", "7 days", "2027-04-01 12:00:00Z"),
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
def test_a_month_is_thirty_days_everywhere_and_a_day_a_day(
    mirror: Mirror, set_clock: Clock, zone: str
) -> None:
    mirror.run("SELECT set_config('timezone', %s, false)", zone)
    for stored_at, max_age, stale_at in AGES:
        set_clock(stored_at)
        mirror.run("DELETE FROM jikan.anime")
        mirror.add(1)
        mirror.run(
            "UPDATE jikan_sync.freshness_policy SET max_age = %s WHERE facet = 'core'", max_age
        )
        set_clock(stale_at)
        for step, stale in (("-1 second", False), ("1 second", True)):
            mirror.advance(step)
            says = (
                mirror.one(
                    "SELECT jikan_sync.is_stale('core', status, last_jikan_sync) FROM jikan.anime"
                ),
                mirror.one("SELECT freshness = 'stale' FROM anime.catalog"),
                mirror.one("SELECT stale_at <= jikan_sync.clock_now() FROM anime.catalog"),
                mirror.stale() == [1],
                mirror.one("SELECT anime.get(1) #>> '{freshness,core,state}' = 'stale'"),
                mirror.one(
                    "SELECT stale_count = 1 FROM jikan_sync.status_facet WHERE facet = 'core'"
                ),
                mirror.one("SELECT stale_count = 1 FROM anime.health"),
            )
            assert says == (stale,) * 7, (stored_at, step)


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
