"""Functions that run with the owner's rights, against all that a caller can put in their way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Server
from tests.security.conftest import Connection, Logins, open_as
from tests.store.documents import anime, full
from tests.store.test_store_anime import store, value

SCHEMAS = ["anime", "jikan", "jikan_sync"]

# With the owner's rights, but not pinned, not the owner's, or open to a type of the caller's.
WRONG = """
SELECT p.oid::regprocedure::text, p.proowner::regrole::text, p.proconfig
FROM pg_proc AS p
WHERE
    p.pronamespace::regnamespace::text = ANY (%s)
    AND p.prosecdef
    AND (
        NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)
        OR p.proowner <> 'jikan_owner'::regrole
        OR p.provariadic <> 0
        OR EXISTS (
            SELECT FROM unnest(p.proargtypes) AS a (oid)
            JOIN pg_type AS t ON t.oid = a.oid
            WHERE t.typtype = 'p' OR t.typnamespace <> 'pg_catalog'::regnamespace
        )
    )
"""


def test_all_are_pinned_and_the_owners(connection: Connection) -> None:
    assert connection.execute(WRONG, [SCHEMAS]).fetchall() == []


def test_one_that_is_not_is_found(connection: Connection) -> None:
    connection.execute(
        "CREATE FUNCTION anime.wrong(a anyelement) RETURNS integer LANGUAGE sql SECURITY DEFINER"
        " SET search_path = '' AS 'SELECT 1'"
    )
    found = connection.execute(WRONG, [SCHEMAS]).fetchall()
    assert [row[0] for row in found] == ["anime.wrong(anyelement)"]


def test_the_one_procedure_has_no_more_rights_than_its_caller(connection: Connection) -> None:
    """It commits, so it can be neither DEFINER nor pinned."""
    rows = connection.execute(
        "SELECT proname, prosecdef FROM pg_proc WHERE prokind = 'p'"
        " AND pronamespace::regnamespace::text = ANY (%s)",
        [SCHEMAS],
    ).fetchall()
    assert rows == [("search_live", False)]


# What an app asks, each answering something that can be compared.
QUESTIONS = {
    "search": "SELECT to_jsonb(s) FROM anime.search('cowboy bepop', genres => '{action}') AS s",
    "search_cached": "SELECT to_jsonb(s) FROM anime.search_cached('bebop', min_score => 5) AS s",
    "search_facets": "SELECT to_jsonb(f) FROM anime.search_facets('bebop') AS f",
    "suggest": "SELECT to_jsonb(s) FROM anime.suggest('beb') AS s",
    "search_status": "SELECT state FROM anime.search_status('cowboy bebop')",
    "search_live": "CALL anime.search_live('cowboy bebop', wait => '0')",
    "get": "SELECT anime.get(1)",
    "reviews": "SELECT to_jsonb(r) FROM anime.reviews(1) AS r",
    "season": "SELECT to_jsonb(s) - 'stale_at' FROM anime.season(1998, 'spring') AS s",
    "similar": "SELECT to_jsonb(s) FROM anime.similar(1) AS s",
    "recommend": "SELECT to_jsonb(s) FROM anime.recommend('{1}', '{5}') AS s",
    "search_semantic": "SELECT to_jsonb(s) FROM anime.search_semantic('cowboy') AS s",
    "health": "SELECT state, reasons FROM anime.health",
    "catalog": "SELECT to_jsonb(c) - 'stale_at' FROM anime.catalog AS c",
}


def answer(who: Connection, question: str) -> Any:
    rows = who.execute(question.encode()).fetchall()
    for document, *_ in rows:
        if isinstance(document, dict):
            document.pop("elapsed_ms", None)
            document.pop("stale_at", None)
    return rows


@pytest.fixture
def mirror(connection: Connection) -> None:
    store(
        connection, [full(1), anime(5, title="Cowboy Bebop: The Movie"), anime(7, title="Trigun")]
    )
    connection.execute(
        "INSERT INTO jikan.review (anime_id, review_mal_id, review, position)"
        " SELECT id, 1, 'Good.', 1 FROM jikan.anime WHERE mal_id = 1"
    )


@pytest.fixture
def answers(app: Connection, mirror: None) -> dict[str, Any]:
    """What each question answers before anyone does harm."""
    found = {name: answer(app, question) for name, question in QUESTIONS.items()}
    found |= {name: answer(app, question) for name, question in QUESTIONS.items()}
    assert found["search"] and found["get"][0][0] and found["reviews"] and found["season"]
    return found


def test_temporary_objects_shadow_nothing(
    app: Connection, connection: Connection, answers: dict[str, Any]
) -> None:
    """A temporary table for every name there is, ours and the catalogue's, with a trigger's worth
    of traps in it."""
    names = connection.execute(
        "SELECT DISTINCT relname FROM pg_class WHERE relkind IN ('r', 'v', 'p')"
        " AND relnamespace::regnamespace::text = ANY (%s || ARRAY['pg_catalog'])",
        [SCHEMAS],
    ).fetchall()
    for (name,) in names:
        app.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} (id bigint, mal_id integer, name text)").format(
                sql.Identifier(name)
            )
        )
    for name in ("text", "jsonb", "int4", "numeric", "timestamptz", "bool", "vector", "halfvec"):
        app.execute(
            sql.SQL("CREATE DOMAIN pg_temp.{} AS integer CHECK (false)").format(
                sql.Identifier(name)
            )
        )
    questions = {k: v for k, v in QUESTIONS.items() if k != "search_live"}  # runs as its caller
    for path in ("pg_temp, pg_catalog, public", '"$user", public'):
        app.execute(f"SET search_path = {path}".encode())
        for name, question in questions.items():
            assert answer(app, question) == answers[name], (name, path)


TRAP = """
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE TABLE evil.caught (who text, how text);
GRANT INSERT ON evil.caught TO PUBLIC;
"""
# A function that writes down with whose rights it was called.
SPRUNG = """
CREATE FUNCTION evil."{name}"({arguments}) RETURNS {result} LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO evil.caught VALUES (current_user, '{name}');
    RETURN NULL;
END;
$$;
GRANT EXECUTE ON FUNCTION evil."{name}"({arguments}) TO PUBLIC;
"""
OPERATORS = [
    "=",
    "<>",
    "<",
    ">",
    "<=",
    ">=",
    "||",
    "+",
    "-",
    "*",
    "%",
    "<%",
    "->",
    "->>",
    "?",
    "<=>",
    "<#>",
]
LEFT_AND_RIGHT = [
    ("text", "text"), ("text", "varchar"), ("varchar", "text"), ("integer", "integer"),
    ("bigint", "integer"), ("integer", "bigint"), ("timestamptz", "timestamptz"),
    ("timestamptz", "interval"), ("jsonb", "text"), ("bigint", "bigint"), ("text[]", "text[]"),
]  # fmt: skip


@pytest.fixture
def evil(connection: Connection) -> None:
    """A schema of look-alikes: every function and operator that a body might name bare."""
    connection.execute(TRAP)
    connection.execute("SET check_function_bodies = off")
    used = connection.execute(
        # Functions of the catalogue and of the extensions, by name and arguments.
        "SELECT DISTINCT p.proname, pg_get_function_identity_arguments(p.oid),"
        " pg_get_function_result(p.oid)"
        " FROM pg_proc AS p"
        " WHERE p.pronamespace::regnamespace::text IN ('pg_catalog', 'public')"
        " AND p.proname IN ('format', 'coalesce', 'lower', 'btrim', 'left', 'random', 'now',"
        " 'clock_timestamp', 'current_setting', 'set_config', 'array_length', 'cardinality',"
        " 'jsonb_build_object', 'to_jsonb', 'pg_notify', 'pg_sleep', 'round',"
        " 'similarity', 'word_similarity', 'show_trgm', 'hashtextextended', 'replace',"
        " 'regexp_replace', 'string_to_array', 'array_to_string', 'normalize', 'char_length',"
        " 'greatest', 'date_trunc', 'pg_try_advisory_xact_lock', 'power', 'l2_normalize')"
        " AND p.prokind = 'f' AND pg_get_function_arguments(p.oid) NOT LIKE '%any%'"
        " AND pg_get_function_result(p.oid) !~ '^(SETOF|TABLE|trigger|internal)'"
        " AND pg_get_function_arguments(p.oid) NOT LIKE '%internal%'"
    ).fetchall()
    assert len(used) > 40
    for name, arguments, result in used:
        connection.execute(SPRUNG.format(name=name, arguments=arguments, result=result).encode())
    for number, (left, right) in enumerate(LEFT_AND_RIGHT):
        name = f"operator_{number}"
        connection.execute(
            SPRUNG.format(name=name, arguments=f"a {left}, b {right}", result="boolean").encode()
        )
        for symbol in OPERATORS:
            connection.execute(
                f"CREATE OPERATOR evil.{symbol}"
                f" (FUNCTION = evil.{name}, LEFTARG = {left}, RIGHTARG = {right})".encode()
            )


def test_a_hostile_search_path_catches_nobody(
    app: Connection, connection: Connection, evil: None, answers: dict[str, Any]
) -> None:
    """Look-alikes before pg_catalog in the caller's path are never called with other rights."""
    app.execute("SET search_path = evil, pg_catalog, public")
    # The comparison is sprung by the questions' own text otherwise.
    questions = {k: v for k, v in QUESTIONS.items() if " - " not in v}
    for name, question in questions.items():
        if name == "search_live":
            continue
        assert answer(app, question) == answers[name], name
    with pytest.raises(psycopg.Error):
        # The one procedure runs as its caller: who traps himself is caught as himself.
        app.execute("CALL anime.search_live('cowboy bebop', wait => '0')")
    app.execute("SELECT lower('The trap works.'), 1 = 1")
    caught = connection.execute("SELECT DISTINCT who FROM evil.caught").fetchall()
    assert caught == [(app.info.user,)]


SIDECARS = [
    "SELECT jikan_sync.claim('w', 'jikan', 1)",
    "SELECT jikan_sync.claim_request('w', '{tenrai}')",
    "SELECT jikan_sync.claim_embeddings('w')",
    "SELECT jikan_sync.reserve_request(keys => '{tenrai}')",
    "SELECT jikan_sync.tick()",
    "SELECT jikan_sync.start_sync_run('catalogue')",
    "SELECT jikan_sync.sync_run_progress(1)",
    "SELECT jikan_sync.wanted_details(5)",
    "SELECT jikan_sync.wanted_facet('recommendations', 5)",
    "SELECT jikan_sync.estimate_requests(5)",
    "SELECT jikan_sync.sync_titles('{1,2}')",
    "SELECT jikan_sync.sync_titles_progress('{1,2}')",
    "SELECT jikan_sync.estimate_catalogue(5)",
    "SELECT jikan_sync.release_worker('w')",
    "SELECT jikan_sync.complete(1, gen_random_uuid())",
    "SELECT jikan_sync.fail(1, gen_random_uuid(), 'row', 'm')",
    "SELECT jikan_sync.record_response(1, gen_random_uuid(), 'tenrai', 'ok', body => '{}')",
]


def test_the_sidecars_functions_neither(
    sidecar: Connection, connection: Connection, evil: None, mirror: None
) -> None:
    connection.execute("SELECT jikan_sync.enqueue('anime', 9)")
    sidecar.execute("SET search_path = evil, pg_catalog, public")
    for statement in SIDECARS:
        sidecar.execute(statement.encode())
    assert value(connection, "SELECT count(*) FROM evil.caught") == 0


def test_a_cast_of_the_callers_does_not_run_as_the_owner(
    connection: Connection, app: Connection, mirror: None
) -> None:
    """Who owns a type may give it a cast; the cast runs before the call, as the caller."""
    connection.execute(TRAP)
    role = sql.Identifier(app.info.user)
    connection.execute(sql.SQL("GRANT CREATE ON SCHEMA evil TO {}").format(role))
    app.execute("CREATE TYPE evil.disguised AS (t text)")
    app.execute(
        "CREATE FUNCTION evil.unmask(d evil.disguised) RETURNS text LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO evil.caught VALUES (current_user, ''cast''); RETURN ''bebop''; END'"
    )
    app.execute("CREATE CAST (evil.disguised AS text) WITH FUNCTION evil.unmask AS IMPLICIT")
    rows = app.execute("SELECT title FROM anime.search(ROW('x')::evil.disguised)").fetchall()
    assert rows[0] == ("Cowboy Bebop",)
    caught = connection.execute("SELECT DISTINCT who FROM evil.caught").fetchall()
    assert caught == [(app.info.user,)]


NASTY = [
    "%s%s%s%n%I%L%1$s%99$s",
    "'; DROP TABLE jikan.anime; --",
    "$$; SELECT 1; $$",
    "\\'; SELECT 1; --",
    '"; DROP SCHEMA anime CASCADE; --',
    "E'\\x00'",
    "(((((((((((",
    "[[:alpha:]]*+?{1,9999}",
    "a" * 5000,
    "& | ! <-> :*",
    "‮\N{ZERO WIDTH JOINER}\U0001f600" * 50,
    "\\",
    "%",
    "_",
    "",
    " ",
    "\t\n",
]


def test_no_argument_is_a_program(app: Connection, connection: Connection, mirror: None) -> None:
    """Whatever a text says, it is searched for, or refused with the code for a bad argument."""
    for text in NASTY:
        ask_everything(app, text)
    assert value(connection, "SELECT count(*) FROM jikan.anime") == 3


def ask_everything(app: Connection, text: str) -> None:
    calls: list[tuple[str, Any]] = [
        ("SELECT count(*) FROM anime.search(%s)", text),
        ("SELECT count(*) FROM anime.search_cached(%s)", text),
        ("SELECT count(*) FROM anime.search_facets(%s)", text),
        ("SELECT count(*) FROM anime.suggest(%s)", text),
        ("SELECT state FROM anime.search_status(%s)", text),
        ("SELECT count(*) FROM anime.search_semantic(%s)", text),
        ("CALL anime.search_live(%s, wait => '0')", text),
        ("SELECT count(*) FROM anime.search('bebop', types => %s, genres => %s)", [text]),
        ("SELECT count(*) FROM anime.search('bebop', statuses => %s)", [text]),
        ("SELECT count(*) FROM anime.similar(1, types => %s, genres => %s)", [text]),
        ("SELECT count(*) FROM anime.season(1998, %s)", text),
    ]
    for call, argument in calls:
        try:
            app.execute(call.encode(), [argument] * call.count("%s"))
        except psycopg.errors.InvalidParameterValue:
            continue


SETTINGS = {
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Tokyo",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "quote_all_identifiers": "on",
    "default_text_search_config": "pg_catalog.german",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "plan_cache_mode": "force_generic_plan",
    "pg_trgm.similarity_threshold": "1",
    "pg_trgm.word_similarity_threshold": "1",
    "pg_trgm.strict_word_similarity_threshold": "1",
    "hnsw.ef_search": "1",
    "default_transaction_isolation": "serializable",
    "pgjikan.embed_priority": "nonsense",
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "xmloption": "document",
    "check_function_bodies": "off",
}


def test_no_setting_of_the_callers_changes_an_answer(
    app: Connection, answers: dict[str, Any]
) -> None:
    wrong = []
    for setting, changed in SETTINGS.items():
        app.execute("SELECT set_config(%s, %s, false)", [setting, changed])
        for name, question in QUESTIONS.items():
            before, after = answers[name], answer(app, question)
            if setting in ("TimeZone", "extra_float_digits"):  # how the caller wants to see it
                before, after = len(before), len(after)
            if before != after:
                wrong.append((setting, name))
        app.execute(sql.SQL("RESET {}").format(sql.SQL(setting)))
    assert wrong == []


def test_a_writers_settings_change_nothing_that_is_stored(connection: Connection) -> None:
    documents = [full(1), anime(5)]
    columns = "SELECT to_jsonb(a) - %s::text[] FROM jikan.anime AS a ORDER BY mal_id"
    changing = ["id", "last_jikan_sync", "full_synced_at", "created_at", "changed_at"]
    store(connection, documents)
    before = connection.execute(columns, [changing]).fetchall()
    for setting, changed in SETTINGS.items():
        with connection.transaction(force_rollback=True):
            connection.execute("DELETE FROM jikan.anime")
            connection.execute("SELECT set_config(%s, %s, true)", [setting, changed])
            store(connection, documents)
            connection.execute(sql.SQL("SET LOCAL {} TO DEFAULT").format(sql.SQL(setting)))
            after = connection.execute(columns, [changing]).fetchall()
            assert after == before, setting


@pytest.fixture
def other_app(logins: Logins, server: Server) -> Iterator[Connection]:
    with open_as(logins.app) as connection:
        yield connection


def test_nobody_waits_for_another_askers_transaction(
    app: Connection, other_app: Connection, mirror: None, connection: Connection
) -> None:
    """An app that asks and then sits on its transaction keeps no other app from its answer."""
    connection.execute("UPDATE jikan.anime SET last_jikan_sync = '2020-01-01'")
    other_app.execute("SET lock_timeout = '300ms'")
    waited = []
    for name, question in QUESTIONS.items():
        question = question.replace("bepop", "zzzzz")  # what nobody has asked yet
        with app.transaction(force_rollback=True):
            if name != "search_live":
                app.execute(question.encode())
            else:
                app.execute("SELECT anime.search('cowboy zzzzz')")
            try:
                other_app.execute(question.encode())
            except psycopg.errors.LockNotAvailable:
                waited.append(name)
    assert waited == []
