"""The house style as queries over the catalogue; each must return no row."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

SIDECAR = Path(__file__).resolve().parents[2] / "sidecar" / "pgjikan"

# What is ours: in our schemas and no extension's.
OURS = """
WITH ours AS (
    SELECT n.oid, n.nspname, n.nspowner
    FROM pg_namespace AS n
    WHERE n.nspname IN ('anime', 'jikan', 'jikan_sync')
),
extension AS (
    SELECT d.classid, d.objid FROM pg_depend AS d WHERE d.deptype = 'e'
),
relation AS (
    SELECT c.*, o.nspname || '.' || c.relname AS name
    FROM pg_class AS c
    JOIN ours AS o ON o.oid = c.relnamespace
    WHERE (c.tableoid, c.oid) NOT IN (TABLE extension)
),
routine AS (
    SELECT
        p.*,
        l.lanname,
        format('%s.%s(%s)', o.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_proc AS p
    JOIN ours AS o ON o.oid = p.pronamespace
    JOIN pg_language AS l ON l.oid = p.prolang
    WHERE (p.tableoid, p.oid) NOT IN (TABLE extension)
),
type AS (
    SELECT t.*, o.nspname || '.' || t.typname AS name
    FROM pg_type AS t
    JOIN ours AS o ON o.oid = t.typnamespace
    LEFT JOIN pg_class AS c ON c.oid = t.typrelid
    WHERE
        (t.tableoid, t.oid) NOT IN (TABLE extension)
        AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
)
"""

LINTS = {
    "foreign key without an index": """
        SELECT k.conrelid::regclass, k.conname
        FROM pg_constraint AS k
        JOIN relation AS r ON r.oid = k.conrelid
        WHERE
            k.contype = 'f'
            AND NOT EXISTS (
                SELECT FROM pg_index AS i
                WHERE
                    i.indrelid = k.conrelid
                    AND (
                        i.indpred IS NULL
                        OR pg_get_expr(i.indpred, i.indrelid) = format(
                            '(%I IS NOT NULL)',
                            (
                                SELECT a.attname FROM pg_attribute AS a
                                WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
                            )
                        )
                    )
                    AND (i.indkey::smallint [])[0:cardinality(k.conkey) - 1] @> k.conkey
            )
    """,
    "table without a key": """
        SELECT r.name FROM relation AS r
        WHERE
            r.relkind IN ('r', 'p')
            -- Here a key would make writers wait for each other.
            AND r.name NOT IN ('jikan_sync.vocabulary', 'jikan_sync.hit')
            AND NOT EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = r.oid AND i.indisunique AND i.indpred IS NULL
            )
    """,
    "two indexes alike": """
        SELECT min(i.indexrelid)::regclass, max(i.indexrelid)::regclass
        FROM pg_index AS i
        JOIN relation AS r ON r.oid = i.indrelid
        GROUP BY
            i.indrelid, i.indkey, i.indclass, i.indcollation, i.indoption,
            pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
        HAVING count(*) > 1
    """,
    "column of a type we avoid": """
        SELECT r.name, a.attname, format_type(a.atttypid, a.atttypmod)
        FROM relation AS r
        JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE
            r.relkind IN ('r', 'p')
            AND a.atttypid IN (
                'varchar'::regtype, 'bpchar'::regtype, 'timestamp'::regtype, 'timetz'::regtype,
                'money'::regtype, 'json'::regtype
            )
            -- As received, with the order of keys, to be given back so.
            AND r.name NOT IN ('jikan.facet_document', 'jikan.list_document')
    """,
    # From 17.12 on such a function forbids ALTER TABLE … ADD COLUMN … DEFAULT.
    "SQL body that takes a row of a table": """
        SELECT p.name, r.name
        FROM routine AS p
        CROSS JOIN unnest(p.proargtypes) AS a (type)
        JOIN pg_type AS t ON t.oid = a.type
        JOIN relation AS r ON r.oid = t.typrelid AND r.relkind IN ('r', 'p')
        WHERE p.prosqlbody IS NOT NULL
    """,
    # After ADD COLUMN it has too few: every call fails.
    "SQL body that returns a row of a table": """
        SELECT p.name, r.name
        FROM routine AS p
        JOIN pg_type AS t ON t.oid = p.prorettype
        JOIN relation AS r ON r.oid = t.typrelid AND r.relkind IN ('r', 'p')
        WHERE p.prosqlbody IS NOT NULL
    """,
    "serial instead of identity": """
        SELECT r.name, a.attname
        FROM relation AS r
        JOIN pg_attribute AS a ON a.attrelid = r.oid
        JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
        WHERE pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%'
    """,
    "schema without a comment": """
        SELECT o.nspname FROM ours AS o WHERE obj_description(o.oid, 'pg_namespace') IS NULL
    """,
    "table or view without a comment": """
        SELECT r.name FROM relation AS r
        WHERE
            r.relkind IN ('r', 'p', 'v', 'm')
            AND NOT r.relispartition
            AND obj_description(r.oid, 'pg_class') IS NULL
    """,
    "column without a comment": """
        SELECT r.name, a.attname
        FROM relation AS r
        JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE
            r.relkind IN ('r', 'p')
            AND NOT r.relispartition
            AND col_description(r.oid, a.attnum) IS NULL
    """,
    "function without a comment": """
        SELECT p.name FROM routine AS p WHERE obj_description(p.oid, 'pg_proc') IS NULL
    """,
    "type without a comment": """
        SELECT t.name FROM type AS t
        WHERE
            obj_description(t.oid, 'pg_type') IS NULL
            AND obj_description(t.typrelid, 'pg_class') IS NULL
    """,
    "function everyone may execute": """
        SELECT p.name
        FROM routine AS p
        CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE a.grantee = 0
    """,
    "relation or schema granted to everyone": """
        SELECT r.name
        FROM relation AS r
        CROSS JOIN aclexplode(r.relacl) AS a
        WHERE a.grantee = 0
        UNION ALL
        SELECT o.nspname
        FROM ours AS o
        JOIN pg_namespace AS n ON n.oid = o.oid
        CROSS JOIN aclexplode(n.nspacl) AS a
        WHERE a.grantee = 0
    """,
    "everyone may create in public": """
        SELECT n.nspname
        FROM pg_namespace AS n
        CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
        WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE'
    """,
    "function with a search_path someone may change": """
        SELECT p.name, p.proconfig
        FROM routine AS p
        WHERE
            p.prosqlbody IS NULL
            AND p.lanname NOT IN ('c', 'internal')
            AND (p.prokind <> 'p' OR p.prosecdef)  -- with a setting a procedure cannot COMMIT
            AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}'))
    """,
    "SQL function without BEGIN ATOMIC": """
        SELECT p.name FROM routine AS p WHERE p.lanname = 'sql' AND p.prosqlbody IS NULL
    """,
    "set-returning SQL function that cannot be inlined": """
        SELECT p.name FROM routine AS p
        WHERE
            p.lanname = 'sql'
            AND p.proretset
            AND NOT p.prosecdef
            AND (p.proisstrict OR p.proconfig IS NOT NULL)
    """,
    "LEAKPROOF function": """
        SELECT p.name FROM routine AS p WHERE p.proleakproof
    """,
    "function that reads the transaction's time": r"""
        SELECT p.name FROM routine AS p
        WHERE
            p.prokind IN ('f', 'p')
            AND p.proname NOT LIKE 'clock\_%'
            AND p.proname <> 'install_jobs'  -- pg_cron's own log has the server's time
            AND pg_get_functiondef(p.oid)
            ~* '\m(now|transaction_timestamp)\(\)|\m(current_timestamp|localtimestamp)\M'
    """,
    "not owned by jikan_owner": """
        SELECT 'schema', o.nspname FROM ours AS o WHERE o.nspowner <> 'jikan_owner'::regrole
        UNION ALL
        SELECT 'relation', r.name FROM relation AS r WHERE r.relowner <> 'jikan_owner'::regrole
        UNION ALL
        SELECT 'function', p.name FROM routine AS p WHERE p.proowner <> 'jikan_owner'::regrole
        UNION ALL
        SELECT 'type', t.name FROM type AS t WHERE t.typowner <> 'jikan_owner'::regrole
    """,
    "role that may log in": """
        SELECT r.rolname FROM pg_roles AS r
        WHERE
            r.rolname IN ('jikan_owner', 'jikan_sidecar', 'anime_reader')
            AND (r.rolcanlogin OR r.rolsuper OR r.rolcreatedb OR r.rolcreaterole)
    """,
    "reader outside anime": """
        SELECT o.nspname FROM ours AS o
        WHERE has_schema_privilege('anime_reader', o.oid, 'USAGE') <> (o.nspname = 'anime')
        UNION ALL
        SELECT r.name FROM relation AS r
        WHERE
            r.relkind IN ('r', 'p', 'v', 'm')
            AND (
                has_any_column_privilege('anime_reader', r.oid, 'INSERT, UPDATE, REFERENCES')
                OR has_table_privilege('anime_reader', r.oid, 'DELETE, TRUNCATE, TRIGGER')
                OR (
                    has_any_column_privilege('anime_reader', r.oid, 'SELECT')
                    AND r.name NOT LIKE 'anime.%'
                )
            )
        UNION ALL
        SELECT p.name FROM routine AS p
        WHERE has_function_privilege('anime_reader', p.oid, 'EXECUTE') AND p.name NOT LIKE 'anime.%'
            -- Pure arithmetic that a view of the face calls; views check functions as their caller.
            AND p.proname NOT IN ('later', 'stale_at')
    """,
    "sidecar with a table, or outside jikan_sync": """
        SELECT r.name FROM relation AS r
        WHERE
            r.relkind IN ('r', 'p', 'v', 'm')
            AND (
                has_any_column_privilege(
                    'jikan_sidecar', r.oid, 'SELECT, INSERT, UPDATE, REFERENCES'
                )
                OR has_table_privilege('jikan_sidecar', r.oid, 'DELETE, TRUNCATE, TRIGGER')
            )
        UNION ALL
        SELECT p.name FROM routine AS p
        WHERE
            has_function_privilege('jikan_sidecar', p.oid, 'EXECUTE')
            AND p.name NOT LIKE 'jikan\\_sync.%'
    """,
}


@pytest.mark.parametrize("rule", LINTS)
def test_nothing_is(rule: str, connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute(OURS + LINTS[rule]).fetchall()
    assert rows == [], rule


# Everything the rules forbid, at once.
SINS = """
CREATE TABLE jikan.sin (
    a varchar(3),
    b serial,
    c bigint REFERENCES jikan.anime (id)
);
CREATE INDEX sin_once ON jikan.sin (a);
CREATE INDEX sin_twice ON jikan.sin (a);
CREATE TYPE jikan.sinful AS ENUM ('a');
GRANT SELECT ON jikan.sin TO PUBLIC;
COMMENT ON SCHEMA anime IS NULL;
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE FUNCTION anime.sin_sql(x text) RETURNS text LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION jikan.sin_set(x integer) RETURNS SETOF timestamptz LANGUAGE sql STRICT LEAKPROOF
BEGIN ATOMIC
    SELECT now() FROM generate_series(1, x);
END;
GRANT EXECUTE ON FUNCTION jikan.sin_set(integer) TO PUBLIC;
CREATE FUNCTION jikan.sin_row(x jikan.sin) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT x.b;
END;
CREATE FUNCTION jikan.sin_rows() RETURNS SETOF jikan.sin LANGUAGE sql
BEGIN ATOMIC
    SELECT s.* FROM jikan.sin AS s;
END;
ALTER ROLE anime_reader CREATEDB;
"""


def test_every_rule_bites(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction(force_rollback=True):  # roles belong to the whole server
        connection.execute(SINS)
        silent = [
            rule for rule, lint in LINTS.items() if not connection.execute(OURS + lint).fetchall()
        ]
    assert silent == []


#: What adds intervals to each other, or reckons by another clock than UTC on purpose.
OTHER_ARITHMETIC = {
    "rate_spacing": "a window and the jitter, both lengths",
    "embedding_pause": "midnight where the provider counts its days",
    "report_request": "how long requests took, summed up",
}


def moves_time(sql: str, *names: str) -> bool:
    """Whether a text adds a length to something or takes one away: a literal, or one so named."""
    literal = r"interval '[^']*'|[^\s,(]+::interval\b"
    call = r"(?:pg_catalog\.)?make_interval\(|jikan_sync\.setting_interval\("
    named = "".join(rf"|(?:\w+\.)?{name}\b" for name in names)
    return bool(re.search(rf"[-+]\s*(?:{literal}|{call}{named})|(?:{literal})\s*[-+]", sql))


@pytest.mark.parametrize(
    "sql",
    [
        "v_now - interval '1 day'",
        "interval '1 day' + v_now",
        "v_now + make_interval(secs => 5)",
        "now() - %L::interval",
        "now() - $1::interval",
        "v_started_at\n    + wait",
        "v_started_at + search_live.wait",
    ],
)
def test_reckoning_is_seen(sql: str) -> None:
    assert moves_time(sql, "wait")
    assert not moves_time(sql.replace("+", ",").replace("-", ","), "wait")


def texts(path: Path) -> Iterator[str]:
    """What may be SQL in a file: of a module its strings, those of several lines as one."""
    source = path.read_text()
    if path.suffix == ".sql":
        yield source
    else:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_time_is_reckoned_in_one_place(connection: psycopg.Connection[Any]) -> None:
    """No + or - of an interval on a timestamp but in jikan_sync.later and earlier (UTC)."""
    parsed = connection.execute(
        """
        WITH op AS (
            SELECT format(':opno %s ', o.oid) AS mark FROM pg_operator AS o
            WHERE o.oprname IN ('+', '-')
                AND 'timestamptz'::regtype IN (o.oprleft, o.oprright)
                AND 'interval'::regtype IN (o.oprleft, o.oprright)
        ),
        body AS (
            SELECT p.oid::regprocedure::text AS name, p.prosqlbody::text AS tree FROM pg_proc AS p
            WHERE p.pronamespace IN ('anime'::regnamespace, 'jikan'::regnamespace,
                                     'jikan_sync'::regnamespace)
            UNION ALL
            SELECT r.ev_class::regclass::text, r.ev_action::text FROM pg_rewrite AS r
            JOIN pg_class AS c ON c.oid = r.ev_class
            WHERE c.relnamespace IN ('anime'::regnamespace, 'jikan_sync'::regnamespace)
        )
        SELECT b.name FROM body AS b JOIN op ON strpos(b.tree, op.mark) > 0
        """
    ).fetchall()
    assert parsed == []

    columns = [
        name
        for (name,) in connection.execute(
            "SELECT DISTINCT a.attname FROM pg_attribute AS a"
            " JOIN pg_class AS c ON c.oid = a.attrelid"
            " WHERE a.atttypid = 'interval'::regtype AND c.relnamespace IN ('anime'::regnamespace,"
            " 'jikan'::regnamespace, 'jikan_sync'::regnamespace)"
        )
    ]
    wrong = set()
    for name, source, parameters in connection.execute(
        """
        SELECT p.proname, p.prosrc, ARRAY(
            SELECT a.name
            FROM unnest(
                p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[])
            ) AS a (name, type)
            WHERE a.type = 'interval'::regtype
        )
        FROM pg_proc AS p
        JOIN pg_language AS l ON l.oid = p.prolang
        WHERE l.lanname = 'plpgsql' AND p.pronamespace IN (
            'anime'::regnamespace, 'jikan'::regnamespace, 'jikan_sync'::regnamespace
        )
        """
    ).fetchall():
        variables = re.findall(r"^\s+(\w+)(?: CONSTANT)? interval\b", source, re.MULTILINE)
        if moves_time(source, *columns, *parameters, *variables):
            wrong.add(name)
    wrong |= {
        path.name
        for path in [*SIDECAR.rglob("*.py"), *SIDECAR.rglob("*.sql")]
        if any(map(moves_time, texts(path)))
    }
    assert wrong == set(OTHER_ARITHMETIC), "reckon with jikan_sync.later and earlier"


def test_what_forbids_ways_to_the_planner_is_not_compiled(
    connection: psycopg.Connection[Any],
) -> None:
    """Before PostgreSQL 18 a plan that must do what is forbidden costs ten billion, and is compiled
    for it: 130 ms for a claim of 1."""
    compiled = connection.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p"
        " WHERE p.proconfig::text LIKE '%enable_%=off%' AND NOT 'jit=off' = ANY (p.proconfig)"
    ).fetchall()
    assert compiled == []


#: What names the table of vectors and reads none as one that counts.
OTHER_READERS = {
    "jikan_sync.add_embedding_model": "makes its partitions",
    "jikan_sync.adopt_embeddings": "writes, what others with the same text have",
    "jikan_sync.write_embeddings": "writes",
    "jikan_sync.status_embedding": "counts those that do not count, too",
}


def readers_of_vectors(connection: psycopg.Connection[Any]) -> set[str]:
    """Functions and views that name the table of vectors, or compare a hash with that of a text."""
    rows = connection.execute(
        OURS
        + r"""
        , body AS (
            SELECT split_part(p.name, '(', 1) AS name, pg_get_functiondef(p.oid) AS text
            FROM routine AS p
            WHERE p.prokind IN ('f', 'p')
            UNION ALL
            SELECT r.name, pg_get_viewdef(r.oid) FROM relation AS r WHERE r.relkind IN ('v', 'm')
        )
        SELECT DISTINCT b.name FROM body AS b
        WHERE
            b.text ~ '\mjikan\.embedding(_\d+)?\M'
            OR b.text ~ '\minput_hash\s*(=|<>|!=|IS (NOT )?DISTINCT FROM)\s*\w+\.embedding_hash\M'
            OR b.text ~ '\membedding_hash\s*(=|<>|!=|IS (NOT )?DISTINCT FROM)\s*\w+\.input_hash\M'
        """
    )
    return {name for (name,) in rows}


def test_whether_a_vector_counts_is_asked_in_one_place(
    connection: psycopg.Connection[Any],
) -> None:
    """No other reads vectors past the hash of their text, or compares that by itself."""
    found = readers_of_vectors(connection)
    assert found == {"jikan_sync.current_vector", *OTHER_READERS}, (
        "jikan_sync.current_vector has it"
    )


@pytest.mark.parametrize(
    "sin",
    [
        "CREATE VIEW jikan_sync.sin AS SELECT e.embedding FROM jikan.embedding AS e",
        "CREATE VIEW jikan_sync.sin AS SELECT a.id FROM jikan.anime AS a"
        " JOIN jikan_sync.suspect_text AS s ON s.input_hash = a.embedding_hash",
        "CREATE FUNCTION jikan_sync.sin() RETURNS bigint LANGUAGE sql"
        " BEGIN ATOMIC SELECT count(*) FROM jikan.embedding_1; END",
        "CREATE FUNCTION jikan_sync.sin() RETURNS bigint LANGUAGE plpgsql AS $$"
        " BEGIN RETURN (SELECT count(*) FROM jikan.embedding AS e); END $$",
        "CREATE FUNCTION jikan_sync.sin(v uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
        " RETURN (SELECT a.embedding_hash <> s.input_hash FROM jikan.anime AS a"
        " CROSS JOIN jikan_sync.suspect_text AS s); END $$",
    ],
)
def test_a_vector_read_elsewhere_is_seen(connection: psycopg.Connection[Any], sin: str) -> None:
    before = readers_of_vectors(connection)
    connection.execute(sin.encode())
    assert readers_of_vectors(connection) == before | {"jikan_sync.sin"}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM jikan_sync.recommendable WHERE anime_id = 1",
        "SELECT * FROM jikan_sync.query_likeness('tea', '{1}')",
        "SELECT * FROM jikan_sync.lacking_models(1)",
        "SELECT * FROM jikan_sync.missing_embeddings(1)",
        "SELECT * FROM jikan_sync.embedding_coverage(1)",
        "SELECT * FROM jikan_sync.status_embedding",
    ],
)
def test_current_vectors_are_looked_up_in_the_table(
    connection: psycopg.Connection[Any], query: str
) -> None:
    """By its keys: a function that is called for each row would read them one by one."""
    plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {query}".encode()))
    assert "on embedding_1" in plan
    assert "Function Scan" not in plan
    # Else a row or none is expected where there are thousands.
    assert ("Anti Join" in plan) == ("lacking" in query or "missing" in query)
