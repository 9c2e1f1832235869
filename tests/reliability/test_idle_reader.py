"""A reader that sits on its transaction holds up nobody: not one job, not one hand-in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from tests.store.documents import anime, entry, full
from tests.vector_steps import answer, claim, fail, unit, value

Connection = psycopg.Connection[Any]
Connect = Callable[..., Connection]

LOOKS = {
    "search": "SELECT count(*) FROM anime.search('cowboy bebop')",
    "search, a miss": "SELECT count(*) FROM anime.search('a show nobody knows')",
    "search_cached": "SELECT count(*) FROM anime.search_cached('cowboy bebop')",
    "search_facets": "SELECT count(*) FROM anime.search_facets('cowboy bebop')",
    "suggest": "SELECT count(*) FROM anime.suggest('cowb')",
    "search_semantic": "SELECT count(*) FROM anime.search_semantic('a quiet story about tea')",
    "search_semantic, in another language": (
        "SELECT count(*) FROM anime.search_semantic('eine ruhige Geschichte mit Tee und Piraten')"
    ),
    "search_status": "SELECT count(*) FROM anime.search_status('a show nobody knows')",
    "get": "SELECT anime.get(1)",
    "get, unknown": "SELECT anime.get(987654)",
    "reviews": "SELECT count(*) FROM anime.reviews(1)",
    "similar": "SELECT count(*) FROM anime.similar(1)",
    "similar, without a vector": "SELECT count(*) FROM anime.similar(30)",
    "recommend": "SELECT count(*) FROM anime.recommend(liked => '{1,5}')",
    "recommend_for": (
        "SELECT count(*) FROM anime.recommend_for("
        'scores => \'[{"mal_id": 1, "score": 9}, {"mal_id": 5, "score": 8}]\')'
    ),
    "season": "SELECT count(*) FROM anime.season(1998, 'spring')",
    "facet": "SELECT anime.facet(1, 'characters')",
    "characters": "SELECT count(*) FROM anime.characters(1)",
    "staff": "SELECT count(*) FROM anime.staff(1)",
    "videos": "SELECT anime.videos(1)",
    "statistics": "SELECT anime.statistics(1)",
    "episodes": "SELECT count(*) FROM anime.episodes(1)",
    "recommendations": "SELECT count(*) FROM anime.recommendations(1)",
    "v4": "SELECT (anime.v4('/v4/anime/1/full', '{}')).status",
    "v4, a search": "SELECT (anime.v4('/v4/anime', '{\"q\": \"nobody knows\"}')).status",
    "v4_cached": "SELECT (anime.v4_cached('/v4/anime/1/full', '{}')).status",
    "catalog": "SELECT count(*) FROM anime.catalog",
    "genre": "SELECT count(*) FROM anime.genre",
    "studio": "SELECT count(*) FROM anime.studio",
    "health": "SELECT count(*) FROM anime.health",
    "check_health": "SELECT count(*) FROM anime.check_health()",
    "deployed_changes": "SELECT count(*) FROM anime.deployed_changes()",
}

#: What of the schema anime is no look that can be left open.
NO_LOOKS = {
    "search_live": "commits while it waits",
    "fetch_now": "asks the upstream itself: tests/full/test_fetch_now.py",
    "plain_text": "reads nothing",
    "decode_entities": "reads nothing",
    "search_gap": "is no reader's",
}

#: What upstreams bring for facets; for all others nothing.
FACETS: dict[str, Any] = {
    "recommendations": [{"entry": entry(5, "Trigun"), "votes": 3}],
    "characters": [{"character": {"mal_id": 1, "name": "Spike"}, "role": "Main"}],
    "reviews": [{"mal_id": 7, "review": "Good.", "score": 8}],
    "images": [{"jpg": {}}],
    "statistics": {"watching": 5},
    "videos": {"promo": []},
}


@pytest.fixture
def mirror(connection: Connection) -> Connection:
    """Stale titles, all but one with a vector, a second model, a task of each kind waiting."""
    connection.execute(
        "SELECT jikan_sync.store_anime(%s::jsonb, 'list', jikan_sync.ago('40 days'))",
        [json.dumps([anime(1), anime(5), anime(20)])],
    )
    answer(connection, claim(connection))
    connection.execute(
        "SELECT jikan_sync.store_anime(%s::jsonb, 'list', jikan_sync.ago('40 days'))",
        [json.dumps([anime(30, title="Mushishi", synopsis="Somebody walks through the hills.")])],
    )
    connection.execute("SELECT jikan_sync.add_embedding_model('local', 'other', 8)")
    connection.execute(
        "UPDATE jikan_sync.provider SET per_second = NULL, per_minute = NULL, per_day = NULL"
    )
    return connection


def background(connection: Connection) -> None:
    """Everything that runs without a user, each of it at most 100 ms behind a lock."""
    connection.execute("SET lock_timeout = '100ms'")
    for run in ("'season', season => 'now'", "'catalogue'", "'recommendations'"):
        number = value(connection, f"SELECT jikan_sync.start_sync_run({run})")
        connection.execute("SELECT jikan_sync.sync_run_progress(%s)", [number])
    connection.execute("SELECT jikan_sync.sync_titles('{1,5,77}')")
    connection.execute("SELECT jikan_sync.sync_titles_progress('{1,5,77}')")
    for name in connection.execute("SELECT name FROM jikan_sync.job ORDER BY name").fetchall():
        assert connection.execute("SELECT jikan_sync.run_job(%s)", name).fetchone() == ("ok",), (
            connection.execute("SELECT message FROM jikan_sync.job_run ORDER BY id DESC").fetchone()
        )
    # Jobs have a limit of their own, so what they do is done under ours as well.
    for (command,) in connection.execute("SELECT command FROM jikan_sync.job").fetchall():
        connection.execute(command)
    connection.execute("SELECT jikan_sync.tick()")
    connection.execute("SELECT jikan_sync.fold_wishes()")
    end_tasks(connection)
    fetch(connection)
    embed(connection)
    plan(connection)
    connection.execute("SELECT jikan_sync.heartbeat('w', '{jikan}', '1')")
    connection.execute("SELECT jikan_sync.release_worker('w')")
    connection.execute("SELECT jikan_sync.redrive()")
    connection.execute("SELECT jikan_sync.analyze_mirror()")
    change_models(connection)


def end_tasks(connection: Connection) -> None:
    """Each way in which a task of lane jikan ends without an answer to store."""
    connection.execute("SELECT jikan_sync.enqueue_many('anime', '{101,102,103,104}', 'high')")
    calls = (
        "SELECT jikan_sync.complete(%s, %s)",
        "SELECT jikan_sync.complete_many(ARRAY[%s]::bigint[], ARRAY[%s]::uuid[])",
        "SELECT jikan_sync.fail(%s, %s, 'row', 'why')",
        "SELECT jikan_sync.release(%s, %s)",
    )
    for call, count in zip(calls, (1, 1, 3, 1), strict=True):
        for task in connection.execute(
            "SELECT c.id, c.lease_token FROM jikan_sync.claim('w', 'jikan', %s) AS c", [count]
        ).fetchall():
            connection.execute(call.encode(), task)


def fetch(connection: Connection) -> None:
    """Do all tasks of lane jikan, each facet with something to store among them."""
    for facet in FACETS:
        connection.execute(
            "SELECT jikan_sync.enqueue_many('facet', '{1,5}', payload => %s)",
            [json.dumps({"facet": facet})],
        )
    pages = {
        "season": [anime(1), anime(5)],
        "catalogue": [anime(1), anime(5)],
        "recommendations": [{"entry": [{"mal_id": 1}, {"mal_id": 5}]}],
        "search": [anime(1)],
    }
    kinds = set()
    while task := connection.execute(
        "SELECT r.id, r.lease_token, r.provider, r.task, r.mal_id, r.payload ->> 'facet'"
        " FROM jikan_sync.claim_request('w') AS r"
    ).fetchone():
        task_id, token, provider, kind, mal_id, facet = task
        kinds.add(kind)
        data = full(mal_id) if kind == "anime" else pages.get(kind, FACETS.get(facet, []))
        body = {"data": data, "pagination": {"has_next_page": False}}
        connection.execute(
            "SELECT jikan_sync.record_response(%s, %s, %s, 'ok', 200, %s)",
            [task_id, token, provider, json.dumps(body)],
        )
    assert kinds >= {"anime", "season", "catalogue", "recommendations", "facet"}
    provider = value(connection, "SELECT r.provider FROM jikan_sync.reserve_request() AS r")
    connection.execute(
        "SELECT jikan_sync.report_request(%s, 'upstream_error', 'anime', 'anime:1')", [provider]
    )


def embed(connection: Connection) -> None:
    """Do all tasks of lane embedding, one of them after a refusal, and read words."""
    texts = claim(connection)
    assert texts, "a title has no vector"
    fail(connection, texts[:1], "rejected")
    connection.execute("UPDATE jikan_sync.queue SET ready_at = jikan_sync.clock_now()")
    if texts[1:]:
        answer(connection, texts[1:])
    while texts := claim(connection):
        answer(connection, texts)
    connection.execute("SELECT jikan_sync.active_model()")
    words = connection.execute(
        "SELECT w.model_id, w.word, w.lexeme, w.dimensions FROM jikan_sync.claim_words() AS w"
    ).fetchall()
    assert words, "the stories have words"
    models, names, lexemes, dimensions = zip(*words, strict=True)
    connection.execute(
        "SELECT jikan_sync.store_words(%s, %s, %s::text[], %s)",
        [models[0], list(names), list(lexemes), [unit(1.0, dimensions=n) for n in dimensions]],
    )


def plan(connection: Connection) -> None:
    """What commands ask before they order anything, and what is measured."""
    for call in (
        "estimate_catalogue()",
        "estimate_requests(5)",
        "wanted_details(3)",
        "wanted_facet('characters', 3)",
        "metric()",
        "deployed_changes()",
        "mirror_id()",
    ):
        connection.execute(f"SELECT jikan_sync.{call}".encode())


def change_models(connection: Connection) -> None:
    """Add a model, give it vectors, switch to it and back, and drop all but the first."""
    third = value(connection, "SELECT jikan_sync.add_embedding_model('local', 'third', 4)")
    connection.execute("SELECT jikan_sync.backfill_embeddings(%s)", [third])
    while texts := claim(connection):
        answer(connection, texts)
    for model in (third, 1):
        connection.execute("SELECT jikan_sync.switch_embedding_model(%s, true)", [model])
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


def test_each_look_is_here(connection: Connection) -> None:
    there = connection.execute(
        "SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = 'anime'::regnamespace"
        " UNION SELECT c.relname FROM pg_class AS c"
        " WHERE c.relnamespace = 'anime'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
    ).fetchall()
    looked_at = set(re.findall(r"\banime\.(\w+)", " ".join(LOOKS.values())))
    assert {name for (name,) in there} == looked_at | set(NO_LOOKS)
    assert not looked_at & set(NO_LOOKS)


def test_what_a_sidecar_may_call_is_in_the_background(mirror: Connection) -> None:
    mirror.execute("SET track_functions = 'all'")
    background(mirror)
    mirror.execute("SELECT pg_stat_force_next_flush()")
    never = mirror.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p"
        " WHERE has_function_privilege('jikan_sidecar', p.oid, 'EXECUTE')"
        " AND p.pronamespace = 'jikan_sync'::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_stat_user_functions AS s WHERE s.funcid = p.oid)"
    ).fetchall()
    assert never == []


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
