"""Small sqitch projects on disk, one of them nasty."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pgjikan import migrations

#: For stock sqitch; ours knows these folders.
CONF = """\
[core]
	engine = pg
	deploy_dir = db
	revert_dir = db/revert
	verify_dir = db/verify
	reworked_deploy_dir = db/reworked/deploy
	reworked_revert_dir = db/reworked/revert
	reworked_verify_dir = db/reworked/verify
[deploy]
	verify = true
"""
SIGNED = "2026-01-31T12:00:00Z Planner <planner@example.org>"


@dataclass
class Folder:
    """A project that a test writes as it goes."""

    root: Path
    name: str = "toy"
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "db").mkdir(parents=True)
        (self.root / "sqitch.conf").write_text(CONF)
        self.write_plan()

    def write_plan(self) -> None:
        """The plan as the lines stand now."""
        head = ["%syntax-version=1.0.0", f"%project={self.name}", ""]
        (self.root / "sqitch.plan").write_text("\n".join([*head, *self.lines, ""]))

    def add(
        self,
        name: str,
        deploy: str | None = None,
        *,
        needs: str = "",
        verify: str | None = None,
        revert: str | None = None,
    ) -> Folder:
        """Plan a change; by default one that makes a table, with all three scripts."""
        table = name.replace("/", "_")
        self.lines.append(f"{name} {f'[{needs}] ' if needs else ''}{SIGNED} # {name}.")
        self.script("", name, f"CREATE TABLE {table} (id int);" if deploy is None else deploy)
        self.script("verify", name, verify or f"SELECT id FROM {table} WHERE FALSE;", "ROLLBACK")
        self.script("revert", name, revert or f"DROP TABLE {table};")
        self.write_plan()
        return self

    def tag(self, name: str) -> Folder:
        """Tag the last change."""
        self.lines.append(f"@{name} {SIGNED} # Tag {name}.")
        self.write_plan()
        return self

    def script(self, folder: str, name: str, body: str, end: str = "COMMIT") -> None:
        """Write a script, in a transaction unless the body opens with a comment that says not."""
        file = self.root / "db" / folder / f"{name}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        bare = body.startswith("-- bare")
        file.write_text(body if bare else f"BEGIN;\n{body}\n{end};\n")

    def load(self) -> migrations.Project:
        """The project as pgjikan sees it."""
        return migrations.load_project(self.root)


def write_other(root: Path) -> Folder:
    """A project that shares the registry with the nasty one."""
    return Folder(root, "other").add("base").tag("b1").add("extra")


def write_nasty(root: Path) -> Folder:
    """A plan with all that our plan may have."""
    folder = Folder(root, "nasty")
    signed = "2026-02-03T04:05:06Z Frédéric  Ōno <f.ono@example.org>"
    lines = [
        "%syntax-version=1.0.0",
        "%project=nasty",
        "",
        "# A comment, kept; 日本語",
        f"schema/app {signed} # Größe — naïve, 日本語 ✓",
        "",
        f"schema/anime [schema/app] {signed} # first, second # third",
        f"@v1.0 {signed} # A tag",
        f"@v1.0-again {signed}",
        f"functions/f [schema/anime@v1.0 @v1.0-again schema/app] {signed} # 0",
        f"plain.name-x_1 {signed}",
        f"@v1.1-rc {signed}",
        f"@v1.1 {signed}",
        f"functions/f [functions/f@v1.1] {signed} # Reworked.",
        f"schema/anime_2 [functions/f] {signed} # The first f is meant.",
        f"late [functions/f] {signed}",
        f"@v1.2 {signed}",
        f"functions/f [functions/f@v1.2] {signed} # Reworked again.",
    ]
    (root / "sqitch.plan").write_text("".join(f"{line}\n" for line in lines))
    scripts = {
        "schema/app": ("CREATE SCHEMA app;", "DROP SCHEMA app;"),
        "schema/anime": ("CREATE TABLE app.anime (name text);", "DROP TABLE app.anime;"),
        "plain.name-x_1": ("-- bare\nCREATE TABLE app.p ();\nVACUUM app.p;", "DROP TABLE app.p;"),
        "schema/anime_2": (
            "ALTER TABLE app.anime ADD n int;",
            "ALTER TABLE app.anime DROP n;",
        ),
        "late": ("COMMENT ON SCHEMA app IS '50 % ''late''; \\ :x ünï';", "SELECT;"),
    }
    function = (
        "CREATE OR REPLACE FUNCTION app.f() RETURNS int LANGUAGE sql\n"
        "BEGIN ATOMIC SELECT CASE WHEN true THEN {n} END; END;"
    )
    for name, (deploy, revert) in scripts.items():
        folder.script("", name, deploy)
        folder.script("revert", name, revert)
        folder.script("verify", name, "SELECT 'ok';", "ROLLBACK")
    verify = "DO $$ BEGIN ASSERT app.f() = {n}; END $$;"
    for n, (base, file) in enumerate(
        [
            ("reworked/{}", "functions/f@v1.1"),
            ("reworked/{}", "functions/f@v1.2"),
            ("{}", "functions/f"),
        ]
    ):
        at_root = base == "{}"
        revert = function.format(n=n - 1) if n else "DROP FUNCTION app.f();"
        folder.script("" if at_root else "reworked/deploy", file, function.format(n=n))
        folder.script(base.format("revert"), file, revert)
        folder.script(base.format("verify"), file, verify.format(n=n), "ROLLBACK")
    return folder
