"""`pgjikan deploy|verify|revert|status|log` as a person, or a machine, meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pgjikan.cli import main

from .projects import Folder

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def toy(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "toy").add("schema/a").tag("v1").add("b", needs="schema/a")


@pytest.fixture
def pgjikan(
    empty_database: str,
    toy: Folder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command on the test's project and database: its exit code and all it printed."""
    monkeypatch.setenv("PGJIKAN_PROJECT", str(toy.root))

    def run(command: str, *words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["pgjikan", command, "--dsn", empty_database, *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return end.value.code, "".join(capsys.readouterr())

    return run


def test_a_life(pgjikan: Run, toy: Folder) -> None:
    code, text = pgjikan("status")
    assert (code, "nothing was ever deployed" in text) == (1, True)
    code, text = pgjikan("deploy", "--to", "@v1")
    assert code == 0
    assert "  + schema/a @v1 ok " in text
    assert text.endswith("deployed 1 changes\n")
    code, text = pgjikan("status", "--json")
    assert (code, json.loads(text)["pending"]) == (0, ["b"])
    assert pgjikan("status", "--check")[0] == 1
    assert pgjikan("deploy")[0] == 0
    assert pgjikan("deploy") == (0, "nothing to deploy: up to date\n")
    assert pgjikan("verify")[1].endswith("verified 2 changes\n")
    toy.script("", "b", "CREATE TABLE edited ();")
    code, text = pgjikan("status")
    assert (code, "edited after it was deployed:\n  b\n" in text) == (1, True)
    code, text = pgjikan("status", "--json")
    assert (code, json.loads(text)["drifted"]) == (1, ["b"])
    code, text = pgjikan("deploy")
    assert code == 1
    assert "error: 1 deployed changes have another script than this plan: b" in text
    assert "hint:  before the first release: pgjikan revert --to schema/a, which" in text
    code, text = pgjikan("revert", "--to", "schema/a")
    assert code == 1
    assert "hint:  without a terminal to ask on, say that you mean it with -y" in text
    assert pgjikan("revert", "--to", "schema/a", "-y")[0] == 0
    code, text = pgjikan("log", "--event", "revert", "--json")
    assert [event["change"] for event in json.loads(text)] == ["b"]
    code, text = pgjikan("log")
    assert [line.split()[3:5] for line in text.splitlines()] == [
        ["toy:b", "by"],
        ["toy:b", "by"],
        ["toy:schema/a", "@v1"],
    ]


def test_a_failure_is_told_to_the_line(pgjikan: Run, toy: Folder) -> None:
    toy.script(
        "",
        "b",
        "DROP TABLE IF EXISTS nothing;\nDO $$ BEGIN\n"
        "RAISE 'no [/] way' USING DETAIL = 'the detail', HINT = 'the hint'; END $$;",
    )
    code, text = pgjikan("deploy")
    assert code == 1
    assert "  + b FAILED" in text
    assert "  - schema/a @v1 ok" in text
    assert "error: b: db/b.sql:4: no [/] way (P0001)\nDETAIL: the detail\nHINT: the hint\n" in text
    assert "hint:  of this run's earlier changes 1 were reverted, 0 are left" in text
    assert "NOTICE" not in text
    assert "NOTICE: table" in pgjikan("deploy", "--verbose")[1]


def test_a_registry_by_another_name(pgjikan: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pgjikan("deploy", "--registry", "ours")[0] == 0
    assert pgjikan("status")[0] == 1
    monkeypatch.setenv("PGJIKAN_REGISTRY", "ours")
    assert pgjikan("status", "--check")[0] == 0
