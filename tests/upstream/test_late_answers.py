"""An answer that came late is as old as its asking, and overwrites nothing newer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.store.documents import anime, full

from .conftest import Database


def claim(db: Database) -> tuple[int, Any]:
    row = db.row("SELECT c.id, c.lease_token FROM jikan_sync.claim('w', 'jikan') AS c")
    return row[0], row[1]


def answer(db: Database, task: tuple[int, Any], data: Any) -> Any:
    body = json.dumps({"data": data, "pagination": {"has_next_page": False}})
    return db.value(
        "SELECT jikan_sync.record_response(%s, %s, 'tenrai', 'ok', 200, %s)", *task, body
    )


def ask(db: Database, name: str) -> tuple[int, Any]:
    db.run("SELECT jikan_sync.request_search(%s)", name)
    return claim(db)


def members(db: Database) -> Any:
    return db.value("SELECT a.members FROM jikan.anime AS a WHERE a.mal_id = 1")


@pytest.mark.parametrize("newer_is_full", [False, True])
def test_a_page_kept_back_does_not_overwrite_what_was_fetched_meanwhile(
    db: Database, newer_is_full: bool
) -> None:
    db.set(list_lag="0")
    late = ask(db, "asked first")
    db.advance("10 seconds")
    if newer_is_full:
        db.run("SELECT jikan_sync.enqueue('anime', 1)")
        assert answer(db, claim(db), full(1, members=2)) == "done"
    else:
        assert answer(db, ask(db, "asked second"), [anime(1, members=2)]) == "done"
    db.advance("10 seconds")
    assert answer(db, late, [anime(1, members=1), anime(5, members=1)]) == "done"
    assert members(db) == 2
    assert db.value("SELECT count(*) FROM jikan.anime") == 2


def test_reviews_are_as_old_as_their_asking(db: Database) -> None:
    db.run("SELECT jikan_sync.store_anime(%s::jsonb)", json.dumps([anime(1)]))
    db.run("DELETE FROM jikan_sync.queue")
    db.run("SELECT jikan_sync.enqueue('facet', 1, '{\"facet\": \"reviews\"}')")
    task = claim(db)
    asked_at = db.value("SELECT jikan_sync.clock_now()")
    db.advance("2 minutes")
    assert answer(db, task, []) == "done"
    assert (
        db.value("SELECT l.stored_at FROM jikan_sync.ledger AS l WHERE l.facet = 'reviews'")
        == asked_at
    )
