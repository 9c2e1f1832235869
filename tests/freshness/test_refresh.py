"""What happens behind the readers: the wanted first, by pages where that is cheaper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from .conftest import Mirror

Clock = Callable[[str], None]
REFRESH = "SELECT jikan_sync.refresh_stale()"


def setting(mirror: Mirror, name: str, value: int | float) -> None:
    mirror.run("UPDATE jikan_sync.setting SET value = %s WHERE name = %s", str(value), name)


def test_most_wanted_first(mirror: Mirror) -> None:
    mirror.add(1, 2, members=10)
    mirror.add(3, members=500)
    mirror.add(4, members=1)
    mirror.advance("30 days")
    mirror.run("INSERT INTO jikan_sync.hit SELECT id, 1 FROM jikan.anime WHERE mal_id = 4")
    setting(mirror, "refresh_per_run", 3)
    assert mirror.one(REFRESH) == 3
    assert mirror.tasks() == {"anime:1": "low", "anime:3": "low", "anime:4": "low"}


def test_what_waits_counts_against_the_room(mirror: Mirror) -> None:
    mirror.add(*range(1, 11))
    mirror.advance("30 days")
    setting(mirror, "refresh_per_run", 4)
    assert [mirror.one(REFRESH), mirror.one(REFRESH)] == [4, 0], "an outage piles nothing up"
    mirror.one("SELECT jikan_sync.complete(id, lease_token) FROM jikan_sync.claim('w', 'jikan', 1)")
    assert mirror.one(REFRESH) == 1


def test_budget_of_a_day(mirror: Mirror, set_clock: Clock) -> None:
    mirror.add(*range(1, 11))
    mirror.advance("30 days")
    setting(mirror, "refresh_per_day", 4)
    assert mirror.one(REFRESH) == 4
    mirror.run("DELETE FROM jikan_sync.queue")
    set_clock("2030-01-31 23:59:59Z")
    assert mirror.one(REFRESH) == 0
    set_clock("2030-02-01 00:00:00Z")
    assert mirror.one(REFRESH) == 4


def test_dead_and_waiting_are_left_out(mirror: Mirror) -> None:
    mirror.add(1, 2, 3)
    mirror.advance("30 days")
    mirror.run("UPDATE jikan_sync.retry_policy SET max_attempts = 1")
    mirror.run("SELECT jikan_sync.enqueue('anime', 1)")
    mirror.one(
        "SELECT jikan_sync.fail(id, lease_token, 'row', 'bad')"
        " FROM jikan_sync.claim('w', 'jikan', 1)"
    )
    mirror.run("SELECT jikan_sync.enqueue('anime', 2, priority => 'high')")
    assert mirror.one(REFRESH) == 1
    assert mirror.tasks() == {"anime:2": "high", "anime:3": "low"}


@pytest.mark.parametrize(
    ("titles", "size", "days", "walks"),
    [
        (60, 70, "27 days", True),
        (60, 70, "27 days -1 second", False),
        (60, 80, "27 days", False),
        (3, 3, "27 days", True),
    ],
)
def test_catalogue_is_walked_when_that_is_cheaper(
    mirror: Mirror, titles: int, size: int, days: str, walks: bool
) -> None:
    mirror.add(*range(1, titles + 1))
    setting(mirror, "catalogue_size", size)
    mirror.advance(days)
    said = mirror.one("SELECT jikan_sync.sync_catalogue_if_due()")
    assert said.startswith("run ") is walks
    assert mirror.tasks() == ({"catalogue": "low"} if walks else {})


def test_few_stale_titles_are_cheaper_one_by_one(mirror: Mirror) -> None:
    mirror.add(*range(1, 5))
    mirror.advance("27 days")
    mirror.add(*range(5, 101))
    setting(mirror, "catalogue_size", 100)
    assert "one by one" in mirror.one("SELECT jikan_sync.sync_catalogue_if_due()")


def test_walk_under_way_replaces_single_requests(mirror: Mirror) -> None:
    mirror.add(1, 2)
    mirror.advance("30 days")
    mirror.one("SELECT jikan_sync.start_sync_run('catalogue')")
    assert mirror.one(REFRESH) == 0
    mirror.run(
        "UPDATE jikan_sync.sync_run SET state = 'finished', finished_at = jikan_sync.clock_now()"
    )
    assert mirror.one(REFRESH) == 2


def test_seasons_around(mirror: Mirror, set_clock: Clock) -> None:
    for moment, steps, expected in (
        ("2030-01-15 00:00Z", 0, (2030, "winter")),
        ("2030-01-15 00:00Z", -1, (2029, "fall")),
        ("2030-12-31 23:59Z", -1, (2030, "summer")),
        ("2030-05-31 12:00Z", -1, (2030, "winter")),
        ("2030-04-01 00:00Z", 0, (2030, "spring")),
    ):
        set_clock(moment)
        run = mirror.one("SELECT jikan_sync.sync_season_around(%s)", steps)
        row = mirror.connection.execute(
            "SELECT year, season FROM jikan_sync.sync_run WHERE id = %s", [run]
        ).fetchone()
        assert row == expected, (moment, steps)


def test_three_404_on_three_days_make_a_tombstone(mirror: Mirror) -> None:
    mirror.add(1, 2)
    note = "SELECT jikan_sync.note_missing(1)"
    removed = "SELECT removed_at FROM jikan.anime WHERE mal_id = 1"
    assert [mirror.one(note) for _ in range(5)] == [False] * 5, "one outage"
    assert mirror.one("SELECT missing_count FROM jikan.anime WHERE mal_id = 1") == 1
    assert mirror.one("SELECT jikan_sync.confirm_missing()") == 0
    mirror.advance("1 day")
    assert mirror.one("SELECT jikan_sync.confirm_missing()") == 1
    assert mirror.tasks() == {"anime:1": "low"}
    assert (mirror.one(note), mirror.one(note), mirror.one(removed)) == (False, False, None)
    mirror.advance("1 day")
    assert mirror.one(note) is True
    assert mirror.one(removed) == datetime(2030, 1, 3, 12, tzinfo=UTC)
    mirror.advance("1 day")
    assert mirror.one("SELECT jikan_sync.confirm_missing()") == 0
    assert mirror.one("SELECT jikan_sync.note_missing(99)") is False
    assert mirror.one(removed) == datetime(2030, 1, 3, 12, tzinfo=UTC)
