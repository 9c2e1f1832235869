"""A reader that sits on its transaction holds up nobody: not one job, not one hand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from tests.store.documents import anime, full
from tests.vector_steps import answer, claim

Connection = psycopg.Connection[Any]
Connect = Callable[..., Connection]

LOOKS = {
    "search": "SELECT count(*) FROM anime.search('cowboy bebop')",
    "search, a miss": "SELECT count(*) FROM anime.search('a show nobody knows')",
    "search_cached": "SELECT count(*) FROM anime.search_cached('cowboy bebop')",
    "search_semantic": "SELECT count(*) FROM anime.search_semantic('a quiet story about tea')",
    "search_status": "SELECT count(*) FROM anime.search_status('a show nobody knows')",
    "get": "SELECT anime.get(1)",
    "get, unknown": "SELECT anime.get(987654)",
    "reviews": "SELECT count(*) FROM anime.reviews(1)",
    "similar": "SELECT count(*) FROM anime.similar(1)",
    "recommend": "SELECT count(*) FROM anime.recommend(liked => '{1,5}')",
    "recommend_for": (
        "SELECT count(*) FROM anime.recommend_for("
        'scores => \'[{"mal_id": 1, "score": 9}, {"mal_id": 5, "score": 8}]\')'
    ),
    "season": "SELECT count(*) FROM anime.season(1998, 'spring')",
    "facet": "SELECT anime.facet(1, 'characters')",
    "episodes": "SELECT count(*) FROM anime.episodes(1)",
    "recommendations": "SELECT count(*) FROM anime.recommendations(1)",
    "v4": "SELECT (anime.v4('/v4/anime/1/full', '{}')).status",
    "v4, a search": "SELECT (anime.v4('/v4/anime', '{\"q\": \"nobody knows\"}')).status",
    "catalog": "SELECT count(*) FROM anime.catalog",
    "health": "SELECT count(*) FROM anime.health",
}


@pytest.fixture
def mirror(connection: Connection) -> Connection:
    """Stale titles, one with a vector, a second model, and a task of each kind waiting."""
    connection.execute(
        "SELECT jikan_sync.store_anime(%s::jsonb, 'list', jikan_sync.ago('40 days'))",
        [json.dumps([anime(1), anime(5), anime(20)])],
    )
    answer(connection, claim(connection))
    connection.execute("SELECT jikan_sync.add_embedding_model('local', 'other', 8)")
    connection.execute(
        "UPDATE jikan_sync.provider SET per_second = NULL, per_minute = NULL, per_day = NULL"
    )
    return connection


def background(connection: Connection) -> None:
    """Everything that runs without a user, each of it at most 100 ms behind a lock."""
    connection.execute("SET lock_timeout = '100ms'")
    connection.execute("SELECT jikan_sync.start_sync_run('season', season => 'now')")
    connection.execute("SELECT jikan_sync.sync_titles('{1,5,77}')")
    for name in connection.execute("SELECT name FROM jikan_sync.job ORDER BY name").fetchall():
        assert connection.execute("SELECT jikan_sync.run_job(%s)", name).fetchone() == ("ok",), (
            connection.execute("SELECT message FROM jikan_sync.job_run ORDER BY id DESC").fetchone()
        )
    # Jobs have a limit of their own, so what they do is done under ours as well.
    for (command,) in connection.execute("SELECT command FROM jikan_sync.job").fetchall():
        connection.execute(command)
    connection.execute("SELECT jikan_sync.fold_wishes()")
    bodies = {
        "anime": lambda mal_id: full(mal_id) if mal_id else None,
        "season": lambda _: [anime(1), anime(5)],
        "catalogue": lambda _: [anime(1), anime(5)],
        "recommendations": lambda _: [{"entry": [{"mal_id": 1}, {"mal_id": 5}]}],
        "search": lambda _: [anime(1)],
        "facet": lambda _: [],
    }
    for _ in range(30):
        task = connection.execute(
            "SELECT r.id, r.lease_token, r.provider, r.task, r.mal_id"
            " FROM jikan_sync.claim_request('w') AS r"
        ).fetchone()
        if task is None:
            break
        task_id, token, provider, kind, mal_id = task
        body = {"data": bodies[kind](mal_id), "pagination": {"has_next_page": False}}
        connection.execute(
            "SELECT jikan_sync.record_response(%s, %s, %s, 'ok', 200, %s)",
            [task_id, token, provider, json.dumps(body)],
        )
    texts = claim(connection)
    if texts:
        answer(connection, texts)
    connection.execute("SELECT jikan_sync.heartbeat('w', '{jikan}', '1')")
    connection.execute("SELECT jikan_sync.release_worker('w')")
    connection.execute("SELECT jikan_sync.redrive()")
    connection.execute("SELECT jikan_sync.analyze_mirror()")
    connection.execute("SELECT jikan_sync.add_embedding_model('local', 'third', 4)")
    connection.execute(
        "SELECT jikan_sync.drop_embedding_model(id) FROM jikan.embedding_model"
        " WHERE name IN ('other', 'third')"
    )


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_in_the_background_waits_for_an_idle_reader(
    mirror: Connection, connect: Connect, look: str
) -> None:
    reader = connect(role="anime_reader", autocommit=False)
    reader.isolation_level = IsolationLevel.REPEATABLE_READ
    reader.execute(LOOKS[look].encode())
    background(mirror)
    reader.execute(LOOKS[look].encode())
    reader.commit()


def test_a_model_whose_drop_a_reader_was_in_the_way_of_goes_later(
    mirror: Connection, connect: Connect
) -> None:
    reader = connect(role="anime_reader", autocommit=False)
    reader.execute("SELECT anime.similar(1)")
    other = "SELECT id FROM jikan.embedding_model WHERE name = 'other'"
    assert mirror.execute(f"SELECT jikan_sync.drop_embedding_model(({other}))").fetchone() == (
        False,
    )
    another = connect(role="anime_reader")
    another.execute("SET lock_timeout = '100ms'")
    another.execute("SELECT anime.similar(1)")
    assert mirror.execute("SELECT jikan_sync.run_job('sweep_leases')").fetchone() == ("ok",)
    assert mirror.execute(other).fetchone() is not None
    reader.rollback()
    mirror.execute("SELECT jikan_sync.run_job('sweep_leases')")
    assert mirror.execute(other).fetchone() is None


def test_no_advisory_lock_of_another_login_stops_anything(
    mirror: Connection, connect: Connect
) -> None:
    reader = connect(role="anime_reader")
    for key in ("jikan.franchise", "pgjikan.search:a show nobody knows", "pgjikan"):
        reader.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
    reader.execute(
        "SELECT pg_advisory_lock(1785751403, hashtext(j))"
        " FROM unnest('{mark_stale,refresh_stale,sweep_leases}'::text[]) AS j"
    )
    mirror.execute("SET statement_timeout = '5 s'")
    background(mirror)
    taken = mirror.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p"
        " WHERE p.pronamespace IN ('anime'::regnamespace, 'jikan_sync'::regnamespace)"
        " AND p.prosrc ~ 'advisory'"
    ).fetchall()
    assert taken == []
