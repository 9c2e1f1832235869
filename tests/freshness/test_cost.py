"""What is said of many titles asks the clock and the policies once, not for each of them."""

from __future__ import annotations

import pytest

from .conftest import Mirror

COUNT = 500


@pytest.fixture
def many(mirror: Mirror) -> Mirror:
    mirror.add(*range(1, COUNT + 1))
    mirror.run(
        "INSERT INTO jikan_sync.search_request"
        " (query_key, state, requested_by, requested_at, answered_at, mal_ids)"
        " SELECT 'query ' || n, 'pending', 'app', jikan_sync.clock_now(), NULL, NULL"
        " FROM generate_series(1, %s) AS n",
        COUNT,
    )
    mirror.run(
        "UPDATE jikan_sync.ledger SET wished_by = 'app', outcome = 'not_found',"
        " wished_at = jikan_sync.clock_now() - interval '1 hour'"
    )
    return mirror


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM jikan_sync.stale_core()",
        "SELECT count(*) FROM jikan_sync.stale_core('1 day')",
        "SELECT jikan_sync.refresh_stale()",
        "SELECT count(*) FROM jikan_sync.status_facet",
        "SELECT jikan_sync.search_allowance('app')",
        "SELECT jikan_sync.unknown_allowance('app')",
        "SELECT jikan_sync.search_priority('app')",
        "SELECT count(*) FROM anime.health",
    ],
)
def test_the_clock_is_asked_once(many: Mirror, statement: str) -> None:
    with many.connection.transaction():
        many.run("SET LOCAL track_functions = 'all'")
        many.run(statement)
        asked = many.one(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_xact_user_functions"
            " WHERE funcname IN ('clock_now', 'max_age')"
        )
    assert asked < COUNT / 2
