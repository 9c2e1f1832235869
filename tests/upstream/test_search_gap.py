"""anime.search_gap: what was asked and not found, and what came of it, for the owner only."""

from __future__ import annotations

from .conftest import Database


def test_the_owner_reads_what_came_of_each_question(db: Database) -> None:
    db.run("SELECT jikan_sync.learn_search('known', '{5,1}')")
    db.run("SELECT jikan_sync.learn_search('void', '{}')")
    db.run(
        "INSERT INTO jikan_sync.search_request (query_key, requested_at, asked_count)"
        " VALUES ('late', now(), 3), ('down', now(), 1)"
    )
    db.run("SELECT jikan_sync.search_failed('down')")
    found = db.value(
        "SELECT jsonb_object_agg(g.query, jsonb_build_array(g.outcome, g.asked_count, g.mal_ids))"
        " FROM anime.search_gap AS g"
    )
    assert found == {
        "known": ["found", 0, [5, 1]],
        "void": ["nothing", 0, []],
        "late": ["pending", 3, None],
        "down": ["unavailable", 1, None],
    }
    assert db.value(
        "SELECT has_table_privilege('anime_reader', 'anime.search_gap', 'SELECT')"
    ) is False  # fmt: skip
