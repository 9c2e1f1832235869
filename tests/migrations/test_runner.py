"""Deploy, verify, revert, status and log on a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgjikan import migrations
from pgjikan.errors import PgjikanError
from pgjikan.migrations.registry import LOCK

from .projects import Folder


class Listener(migrations.Reporter):
    """Remembers what it heard; `on_begin` acts on it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.waiting = threading.Event()

    def message(self, text: str) -> None:
        self.heard.append(text)
        if "another deployment" in text:
            self.waiting.set()

    def begin(self, action: migrations.Action, title: str) -> None:
        self.heard.append(f"{action} {title}")

    def end(self, milliseconds: float, error: Exception | None) -> None:
        assert milliseconds > 0
        self.heard.append("FAILED" if error else "ok")


@pytest.fixture
def toy(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "toy").add("schema/a").tag("v1").add("b", needs="schema/a").add("c")


def tables(conninfo: str) -> set[str]:
    with psycopg.connect(conninfo) as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return {row[0] for row in connection.execute(query)}


def events(conninfo: str, folder: Folder) -> list[str]:
    log = migrations.log(conninfo, folder.load())
    return [f"{event['event']} {event['change']}" for event in reversed(log)]


def test_there_and_back(empty_database: str, toy: Folder) -> None:
    project = toy.load()
    listener = Listener()
    assert migrations.deploy(empty_database, project, to="b", reporter=listener) == 2
    assert listener.heard == [
        "making the registry: schema sqitch",
        *("deploy schema/a @v1", "ok", "deploy b", "ok"),
    ]
    status = migrations.status(empty_database, project)
    assert (status.last.name, status.pending, status.is_current) == ("b", ["c"], False)
    assert migrations.deploy(empty_database, project) == 1
    assert migrations.deploy(empty_database, project) == 0
    assert migrations.status(empty_database, project).is_current
    assert migrations.verify(empty_database, project, start="b") == 2
    assert migrations.revert(empty_database, project, to="@v1") == 2
    assert tables(empty_database) == {"schema_a"}
    assert migrations.revert(empty_database, project) == 1
    assert migrations.revert(empty_database, project) == 0
    with pytest.raises(migrations.NotDeployedError):
        migrations.status(empty_database, project)
    assert events(empty_database, toy) == [
        *("deploy schema/a", "deploy b", "deploy c"),
        *("revert c", "revert b", "revert schema/a"),
    ]


def test_two_at_once(empty_database: str, toy: Folder) -> None:
    """The second waits for the first, then finds nothing to do."""
    toy.script("", "b", "SELECT pg_advisory_xact_lock(1);\nCREATE TABLE b (id int);")
    project = toy.load()
    counts: list[int] = []
    first, second = Listener(), Listener()

    def run(listener: Listener) -> None:
        counts.append(migrations.deploy(empty_database, project, reporter=listener))

    threads = [threading.Thread(target=run, args=[listener]) for listener in (first, second)]
    with psycopg.connect(empty_database, autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(1)")
        for thread in threads:
            thread.start()
        while not (first.waiting.wait(0.01) or second.waiting.wait(0.01)):
            assert all(thread.is_alive() for thread in threads)
        gate.execute("SELECT pg_advisory_unlock(1)")
        for thread in threads:
            thread.join()
    assert sorted(counts) == [0, 3]
    assert events(empty_database, toy) == ["deploy schema/a", "deploy b", "deploy c"]


def test_the_wait_ends(empty_database: str, toy: Folder) -> None:
    with psycopg.connect(empty_database, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with pytest.raises(migrations.LockTimeoutError, match=r"gave up after 0\.01 s"):
            migrations.deploy(empty_database, toy.load(), lock_timeout=0.01)
    assert tables(empty_database) == set()


@pytest.mark.parametrize(
    ("mode", "left", "hint"),
    [
        ("all", set(), "2 were reverted, 0 are left"),
        ("tag", {"schema_a"}, "1 were reverted, 0 are left"),
        ("change", {"schema_a", "b"}, None),
    ],
)
def test_a_failed_change_leaves_nothing(
    empty_database: str, toy: Folder, mode: migrations.Mode, left: set[str], hint: str | None
) -> None:
    toy.script("", "c", "CREATE TABLE c (id int);\nSELECT 1 FROM\n  nowhere;")
    with pytest.raises(migrations.DeployError) as caught:
        migrations.deploy(empty_database, toy.load(), mode=mode)
    assert str(caught.value) == 'c: db/c.sql:4:3: relation "nowhere" does not exist (42P01)'
    assert (caught.value.hint or "").endswith(hint or "")
    assert tables(empty_database) == left
    assert events(empty_database, toy)[:3] == ["deploy schema/a", "deploy b", "fail c"]
    toy.script("", "c", "CREATE TABLE c (id int);")
    migrations.deploy(empty_database, toy.load())
    assert tables(empty_database) == {"schema_a", "b", "c"}


def test_a_failed_verify_takes_the_change_back(empty_database: str, toy: Folder) -> None:
    toy.script("verify", "c", "SELECT 1/0;", "ROLLBACK")
    with pytest.raises(migrations.DeployError, match=r"c: db/verify/c.sql:2: division by zero"):
        migrations.deploy(empty_database, toy.load(), mode="change")
    assert tables(empty_database) == {"schema_a", "b"}
    assert migrations.deploy(empty_database, toy.load(), verify=False) == 1
    listener = Listener()
    with pytest.raises(migrations.DeployError, match="1 of 3 deployed changes do not verify"):
        migrations.verify(empty_database, toy.load(), reporter=listener)
    assert listener.heard[-2:] == ["verify c", "FAILED"]


def test_a_reworked_change_is_verified_only_while_it_is_the_latest(
    empty_database: str, tmp_path: Path
) -> None:
    old = "CREATE VIEW f AS SELECT 1 AS old;"
    new = "DROP VIEW f;\nCREATE VIEW f AS SELECT 2 AS new;"
    folder = Folder(tmp_path / "toy").add("f", old).tag("v1")
    folder.add("f", new, needs="f@v1", verify="SELECT new FROM f;", revert=f"DROP VIEW f;\n{old}")
    folder.script("reworked/deploy", "f@v1", old)
    folder.script("reworked/revert", "f@v1", "DROP VIEW f;")
    folder.script("reworked/verify", "f@v1", "SELECT wrong FROM f;", "ROLLBACK")
    with pytest.raises(migrations.DeployError, match=r'verify/f@v1.sql:2:8: column "wrong"'):
        migrations.deploy(empty_database, folder.load())
    folder.script("reworked/verify", "f@v1", "SELECT old FROM f;", "ROLLBACK")
    assert migrations.deploy(empty_database, folder.load()) == 2
    assert migrations.verify(empty_database, folder.load()) == 2
    assert migrations.revert(empty_database, folder.load(), to="f@v1") == 1
    with psycopg.connect(empty_database) as connection:
        connection.execute("SELECT old FROM f")


def test_a_rollback_that_fails_says_what_is_left(empty_database: str, toy: Folder) -> None:
    toy.script("", "c", "SELECT 1/0;")
    toy.script("revert", "schema/a", "SELECT 1/0;")
    listener = Listener()
    with pytest.raises(migrations.DeployError, match="division") as caught:
        migrations.deploy(empty_database, toy.load(), reporter=listener)
    assert caught.value.hint == "of this run's earlier changes 1 were reverted, 1 are left"
    assert listener.heard[-1].endswith(
        "the rest stays deployed; the same command goes on from there"
    )
    assert migrations.status(empty_database, toy.load()).last.name == "schema/a"


def test_what_another_project_needs_is_not_taken_away(empty_database: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "toy").add("a")
    other = Folder(tmp_path / "other", "other").add("x")
    migrations.deploy(empty_database, folder.load())
    migrations.deploy(empty_database, other.load())
    with psycopg.connect(empty_database) as connection:  # as stock sqitch enters `[toy:a]`
        connection.execute(
            "INSERT INTO sqitch.dependencies (change_id, type, dependency, dependency_id)"
            " SELECT x.change_id, 'require', 'toy:a', a.change_id"
            " FROM sqitch.changes AS x, sqitch.changes AS a WHERE (x.change, a.change) = ('x', 'a')"
        )
    with pytest.raises(migrations.DeployError, match="other:x is deployed and requires a"):
        migrations.revert(empty_database, folder.load())


def test_missing_scripts(empty_database: str, toy: Folder) -> None:
    (toy.root / "db/verify/b.sql").unlink()
    listener = Listener()
    migrations.deploy(empty_database, toy.load(), to="b", reporter=listener)
    assert "b has no verify script" in listener.heard
    (toy.root / "db/c.sql").unlink()
    (toy.root / "db/revert/schema/a.sql").unlink()
    with pytest.raises(migrations.DeployError, match="c has no deploy script"):
        migrations.deploy(empty_database, toy.load())
    with pytest.raises(migrations.DeployError, match="a @v1 has no revert script"):
        migrations.revert(empty_database, toy.load())
    assert tables(empty_database) == {"schema_a", "b"}


def test_drift_is_told_change_by_change(empty_database: str, toy: Folder) -> None:
    migrations.deploy(empty_database, toy.load())
    toy.script("", "schema/a", "CREATE TABLE edited ();")
    (toy.root / "db/c.sql").unlink()
    assert migrations.status(empty_database, toy.load()).drifted == ["schema/a @v1", "c"]


def test_an_edited_script_is_no_nothing_to_deploy(empty_database: str, tmp_path: Path) -> None:
    toy = Folder(tmp_path / "toy").add("a").add("b").add("c")
    migrations.deploy(empty_database, toy.load())
    toy.script("", "b", "CREATE TABLE b (id int, edited int);")
    toy.script("", "c", "CREATE TABLE c (id int, edited int);")
    toy.add("d")
    with pytest.raises(migrations.EditedError, match=r"2 deployed changes .*: b, c$") as caught:
        migrations.deploy(empty_database, toy.load())
    assert "pgjikan revert --to a," in str(caught.value.hint)
    assert tables(empty_database) == {"a", "b", "c"}
    migrations.revert(empty_database, toy.load(), to="a")  # as the hint says
    assert migrations.deploy(empty_database, toy.load()) == 3
    toy.tag("v1").script("", "a", "CREATE TABLE a (id int, edited int);")
    with pytest.raises(migrations.EditedError) as caught:
        migrations.deploy(empty_database, toy.load())
    assert "sqitch rework a" in str(caught.value.hint)


def test_a_plan_edited_under_the_database(empty_database: str, toy: Folder) -> None:
    migrations.deploy(empty_database, toy.load())
    toy.lines[2] = toy.lines[2].replace("# b.", "# Another note.")
    toy.write_plan()
    project = toy.load()
    for call in (migrations.deploy, migrations.status):
        with pytest.raises(migrations.PlanError, match="does not know the deployed change c"):
            call(empty_database, project)
    with pytest.raises(migrations.DeployError, match="2 of 3"):
        migrations.verify(empty_database, project)
    migrations.revert(empty_database, project, to="schema/a")
    assert migrations.deploy(empty_database, project) == 2


def test_going_astray(empty_database: str, toy: Folder) -> None:
    project = toy.load()
    for call in (migrations.verify, migrations.revert, migrations.status, migrations.log):
        with pytest.raises(migrations.NotDeployedError):
            call(empty_database, project)
    with pytest.raises(migrations.PlanError, match="the plan has no change d"):
        migrations.deploy(empty_database, project, to="d")
    migrations.deploy(empty_database, project)
    with pytest.raises(migrations.DeployError, match="b is deployed already") as caught:
        migrations.deploy(empty_database, project, to="b")
    assert caught.value.hint == "`pgjikan revert --to b` goes back"
    with pytest.raises(migrations.PlanError, match="no change d is deployed"):
        migrations.revert(empty_database, project, to="d")
    with pytest.raises(migrations.DeployError, match="nothing reverted"):
        migrations.revert(empty_database, project, confirm=lambda changes: False)
    with psycopg.connect(empty_database) as connection:
        connection.execute("UPDATE sqitch.releases SET version = 2")
    with pytest.raises(Exception, match="version 2"):
        migrations.deploy(empty_database, project)


@pytest.fixture
def owner(empty_database: str) -> Iterator[str]:
    """The database as a role sees it that may create schemas in it, and nothing else."""
    name = empty_database.rpartition("dbname=")[2].split()[0] + "_owner"
    role = sql.Identifier(name)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(role))
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, role))
        yield make_conninfo(empty_database, user=name, password="secret")
        connection.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(role, role))


def test_no_superuser_is_needed(owner: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "toy").add(
        "app", "CREATE SCHEMA app;", verify="SELECT;", revert="DROP SCHEMA app;"
    )
    migrations.deploy(owner, folder.load())
    migrations.verify(owner, folder.load())
    assert migrations.revert(owner, folder.load()) == 1


def test_a_registry_of_another_team(owner: str, empty_database: str, tmp_path: Path) -> None:
    """The refusal names the registry, whose it is, and the way out, which works."""
    folder = Folder(tmp_path / "toy").add(
        "app", "CREATE SCHEMA app;", verify="SELECT;", revert="DROP SCHEMA app;"
    )
    theirs = Folder(tmp_path / "theirs", "theirs").add("t", verify="SELECT;")
    migrations.deploy(empty_database, theirs.load())
    for call in (migrations.deploy, migrations.status, migrations.verify, migrations.revert):
        with pytest.raises(PgjikanError, match="registry, schema sqitch, belongs to") as caught:
            call(owner, folder.load())
        assert "--registry NAME" in str(caught.value.hint)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("GRANT USAGE ON SCHEMA sqitch TO PUBLIC")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA sqitch TO PUBLIC")
    with pytest.raises(PgjikanError, match="registry, schema sqitch, belongs to"):
        migrations.deploy(owner, folder.load())
    own = replace(folder.load(), registry="our registry")
    assert migrations.deploy(owner, own) == 1
    assert migrations.status(owner, own).is_current
    assert migrations.verify(owner, own) == 1
    assert migrations.revert(owner, own) == 1


def test_a_registry_that_may_not_be_made(owner: str, empty_database: str, tmp_path: Path) -> None:
    name = conninfo_to_dict(owner)["user"]
    with psycopg.connect(empty_database, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        query = sql.SQL("REVOKE CREATE ON DATABASE {} FROM {}")
        connection.execute(query.format(database, sql.Identifier(str(name))))
    with pytest.raises(PgjikanError, match="may not make the registry, schema sqitch") as caught:
        migrations.deploy(owner, Folder(tmp_path / "toy").add("a").load())
    assert str(caught.value.hint).startswith("GRANT CREATE ON DATABASE")


def test_server_timeouts_do_not_end_a_long_change(empty_database: str, toy: Folder) -> None:
    """The registry's session idles in its transaction for as long as the script takes."""
    toy.script(
        "", "c", "SET LOCAL statement_timeout = 0; SELECT pg_sleep(0.2);\nCREATE TABLE c (id int);"
    )
    with psycopg.connect(empty_database, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        for timeout in ("statement_timeout", "idle_in_transaction_session_timeout"):
            query = sql.SQL("ALTER DATABASE {} SET {} = '100ms'")
            connection.execute(query.format(database, sql.Identifier(timeout)))
    assert migrations.deploy(empty_database, toy.load()) == 3


@pytest.mark.parametrize("whose", ["the registry's", "the script's"])
def test_a_lost_server_is_told(empty_database: str, toy: Folder, whose: str) -> None:
    """A session dies under a script, which is undone; nothing is claimed that is not so."""
    pids = {
        "the registry's": "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
        f" AND objid = {LOCK}",
        "the script's": "SELECT pg_backend_pid() AS pid",
    }
    kill = f"SELECT pg_terminate_backend(pid) FROM ({pids[whose]}) AS p;"
    toy.script("", "c", f"CREATE TABLE c (id int);\n{kill}")
    listener = Listener()
    with pytest.raises(migrations.DeployError, match="c: ") as caught:
        migrations.deploy(empty_database, toy.load(), reporter=listener)
    consequences = [text.rpartition("\n")[2] for text in listener.heard if "\n" in text]
    if whose == "the registry's":
        assert consequences == [
            "the failure is not in the registry",
            "the rest stays deployed; the same command goes on from there",
        ]
        assert caught.value.hint == "of this run's earlier changes 0 were reverted, 2 are left"
        assert tables(empty_database) == {"schema_a", "b"}
        assert migrations.status(empty_database, toy.load()).last.name == "b"
    else:
        assert tables(empty_database) == set()
    toy.script("", "c", "CREATE TABLE c (id int);")
    migrations.deploy(empty_database, toy.load())
    assert tables(empty_database) == {"schema_a", "b", "c"}


def test_what_a_script_sets_ends_with_it(empty_database: str, toy: Folder) -> None:
    """Not the entry in the registry, nor the verify script, see the script's settings."""
    toy.script(
        "",
        "b",
        "CREATE SCHEMA elsewhere;\nSET search_path = elsewhere;\nSET LOCAL ROLE pg_monitor;\n"
        "SET SESSION AUTHORIZATION DEFAULT;\nCREATE TEMP TABLE changes (id int);\n"
        "CREATE TABLE public.b (id int);\nSET ROLE pg_read_all_data;\nSET TIME ZONE 'Asia/Tokyo';",
    )
    toy.script(
        "verify",
        "b",
        "DO $$ BEGIN ASSERT current_setting('search_path') = '\"$user\", public';\n"
        "ASSERT current_user = session_user;\n"
        "ASSERT current_setting('timezone') <> 'Asia/Tokyo'; END; $$;\n"
        "SELECT id FROM b;\nSET ROLE pg_monitor;\nCREATE TEMP TABLE events (id int);",
        "ROLLBACK",
    )
    assert migrations.deploy(empty_database, toy.load(), verify=True) == 3
    assert events(empty_database, toy) == ["deploy schema/a", "deploy b", "deploy c"]


@pytest.mark.parametrize("verify", ["SELECT 1/0;", "SELECT id FROM c;\nCOMMIT;\nBEGIN;"])
def test_a_change_that_no_transaction_holds(empty_database: str, toy: Folder, verify: str) -> None:
    toy.script("", "c", "-- bare\nCREATE TABLE c (id int);\nVACUUM c;")
    toy.script("verify", "c", verify, "ROLLBACK")
    toy.script("revert", "c", "-- bare\nVACUUM c;\nDROP TABLE c;")
    if "1/0" in verify:
        with pytest.raises(migrations.DeployError, match="division by zero"):
            migrations.deploy(empty_database, toy.load(), mode="change")
    else:
        migrations.deploy(empty_database, toy.load())
        migrations.revert(empty_database, toy.load(), to="b")
    assert tables(empty_database) == {"schema_a", "b"}


def test_what_is_there_and_not_registered_is_told_with_the_way_out(
    empty_database: str, toy: Folder
) -> None:
    migrations.deploy(empty_database, toy.load())
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("DELETE FROM sqitch.changes WHERE change IN ('b', 'c')")
    with pytest.raises(migrations.DeployError, match="42P07") as caught:
        migrations.deploy(empty_database, toy.load())
    hint = str(caught.value.hint)
    assert "b seems to be in the database and is not in sqitch's registry" in hint
    with psycopg.connect(empty_database, autocommit=True) as connection:
        for name in ("c", "b"):  # newest first, as it says
            connection.execute((toy.root / f"db/revert/{name}.sql").read_bytes())
    assert hint.endswith(f"-f {toy.root / 'db/revert/b.sql'}")
    assert migrations.deploy(empty_database, toy.load()) == 2
