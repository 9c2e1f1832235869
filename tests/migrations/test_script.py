"""Scripts are cut as psql cuts them, and blamed to the line."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from pgjikan import migrations
from pgjikan.migrations.script import Script, read_script, statements
from pgjikan.migrations.session import open_session


def cut(text: str) -> list[str]:
    return [statement.text for statement in statements(text, "x.sql")]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1;",
        "SELECT ';', E'\\';', \"a;b\", $$;$$, $x$ ; $$ ; $x$;",
        "SELECT /* ; /* ; */ ; */ 1 -- ;\n;",
        "SELECT U&'\\0041;', 'it''s;', a$b$c, $1;",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);",
        "CREATE OR REPLACE FUNCTION begin_f(a int, b text)\nRETURNS int BEGIN ATOMIC\n"
        "SELECT 1; SELECT CASE WHEN a THEN (CASE WHEN b THEN 2 END) END; END;",
        "CREATE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END;",
        "CREATE FUNCTION f() RETURNS int RETURN 1;",
        "DO $do$ BEGIN PERFORM 1; END; $do$;",
        "BEGIN;",
        "SELECT 'ünï — 日本語;';",
    ],
)
def test_one_statement_stays_whole(statement: str) -> None:
    assert cut(f"-- Deploy x;\n{statement}\n/* ; */\nCOMMIT;\n") == [statement, "COMMIT;"]


def test_empty_and_unfinished() -> None:
    assert cut("") == []
    assert cut(" ;; -- nothing\n;/* still */") == []
    assert cut("SELECT 1") == ["SELECT 1"]
    assert cut("SELECT $$ open; SELECT 2;") == ["SELECT $$ open; SELECT 2;"]
    assert cut("/* open; SELECT 2;") == []


def fail(conninfo: str, folder: Path, text: str) -> migrations.ScriptError:
    file = folder / "x.sql"
    file.write_bytes(text.encode())
    with pytest.raises(migrations.ScriptError) as caught, open_session(conninfo) as session:
        session.run(read_script(file, "db/x.sql"))
    return caught.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("BEGIN;\n-- 日本語\nSELECT 'ä',\n    nothing;\nCOMMIT;", 'db/x.sql:4:5: column "nothing"'),
        ("\ufeffBEGIN;\r\nSELECT 1;\r\n\r\nSELEC 2;", "db/x.sql:4:1: syntax error"),
        ("SELECT 1;\n\nSELECT\n1/0;", "db/x.sql:3: division by zero (22012)"),
        (
            "SELECT 1;\nDO\n$$\nBEGIN\n    RAISE EXCEPTION 'no' USING DETAIL = 'd', HINT = 'h';\n"
            "END\n$$;",
            "db/x.sql:5: no (P0001)\nDETAIL: d\nHINT: h",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n    RETRN 1;\nEND $$;",
            "db/x.sql:3:5: syntax error",
        ),
        ("SELECT 1;\n\\i other.sql\n", "db/x.sql:2: \\i is a command of psql"),
        ("BEGIN;\nSELECT 1;", "db/x.sql ends inside a transaction"),
        ("COPY t FROM stdin;", 'relation "t" does not exist'),
    ],
)
def test_the_place_is_named(empty_database: str, tmp_path: Path, text: str, words: str) -> None:
    assert words in str(fail(empty_database, tmp_path, text))


def test_as_psql_each_statement_commits_and_no_setting_stays(
    empty_database: str, tmp_path: Path
) -> None:
    fail(empty_database, tmp_path, "CREATE TABLE t (i int);\nVACUUM t;\nSELECT 1/0;")
    with psycopg.connect(empty_database) as connection:
        connection.execute("SELECT FROM t")
    fail(empty_database, tmp_path, "SET search_path = nowhere;\nSELECT count(*) FROM t;")
    notices: list[str] = []
    file = tmp_path / "y.sql"
    file.write_text("DROP TABLE IF EXISTS u;\nSELECT count(*) FROM t;")
    with open_session(empty_database, notices.append) as session:
        session.run(read_script(file, "y.sql"))
    assert notices == ['NOTICE: table "u" does not exist, skipping']


@pytest.mark.parametrize(
    ("text", "is_transaction"),
    [
        ("BEGIN; COMMIT;", True),
        (
            "-- Deploy x\n/* y */ begin transaction isolation level serializable; SELECT 1; end;",
            True,
        ),
        (
            "START TRANSACTION; SAVEPOINT a; ROLLBACK TO a; rollback to savepoint a; COMMIT WORK",
            True,
        ),
        ("BEGIN; SELECT 1; ROLLBACK -- for now\n;", True),
        ("BEGIN; DO $$ BEGIN COMMIT; END; $$; CREATE FUNCTION f() BEGIN ATOMIC END; COMMIT;", True),
        ("", False),
        ("BEGIN;", False),
        ("SELECT 1;", False),
        ("SELECT 1; BEGIN; COMMIT;", False),
        ("BEGIN; COMMIT; SELECT 1;", False),
        ("BEGIN; COMMIT; BEGIN; COMMIT;", False),
        ("BEGIN; SELECT 1; COMMIT AND CHAIN;", False),
        ("BEGIN; SELECT 1; PREPARE TRANSACTION 'x';", False),
        ("BEGIN; PREPARE TRANSACTION 'x'; COMMIT;", False),
        ("BEGIN; ROLLBACK PREPARED 'x'; COMMIT;", False),
        ("BEGIN; BEGIN; COMMIT;", False),
    ],
)
def test_what_is_one_transaction(text: str, is_transaction: bool) -> None:
    assert Script("x.sql", text).is_transaction is is_transaction
