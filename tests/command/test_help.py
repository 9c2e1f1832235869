"""Every command teaches: a description, examples that it accepts, each option explained."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pgjikan.cli import app

ROOT = typer.main.get_command(app)


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield (*path, name), child
        yield from walk(child, (*path, name))


COMMANDS = {
    " ".join(path): command
    for path, command in walk(ROOT)
    if not getattr(command, "commands", None)
}
GROUPS = sorted({" ".join(path) for path, _ in walk(ROOT)} - set(COMMANDS))
#: What only does something; all others take --json, because what they print is data.
DOING = {
    *("dashboard", "demo", "deploy", "revert", "serve", "sidecar", "simulator", "up"),
    *("verify",),
    *("embeddings drop", "embeddings switch", "job disable", "job enable"),
    *("provider disable", "provider enable", "provider set"),
    *("server dsn", "server psql", "server start", "server stop"),
}


def examples(text: str) -> list[str]:
    _, found, block = text.partition("Examples:\n")
    return [line.strip() for line in block.splitlines() if line.strip()] if found else []


@pytest.mark.parametrize("name", COMMANDS)
def test_it_teaches(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "animelist_1700000000_-_1.xml.gz").touch()  # a file that an example reads
    command = COMMANDS[name]
    told = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "120"})
    assert told.exit_code == 0
    first = (command.help or "").splitlines()[0]
    assert len(first) > 15 and first.split(";")[0] in told.output
    shown = examples(command.help)
    assert shown, "no example"
    for line in shown:
        assert line in re.sub(r"\s+\n", "\n", told.output), "the example is torn apart"
        [start] = [at for at in (line.find(f"pgjikan {name}"),) if at >= 0]
        words = shlex.split(line[start:].rstrip(")"))[1 + len(name.split()) :]
        command.make_context(name, words).close()  # exits 2 where it does not fit
    assert [option.name for option in command.params if not getattr(option, "help", None)] == []


def test_data_comes_as_json_too() -> None:
    takes = {
        name
        for name, command in COMMANDS.items()
        if any("--json" in option.opts for option in command.params)
    }
    assert set(COMMANDS) - takes == DOING


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_lists_what_it_has(group: str) -> None:
    told = CliRunner().invoke(app, [*group.split(), "--help"], env={"COLUMNS": "120"})
    names = [name.removeprefix(f"{group} ") for name in COMMANDS if name.startswith(f"{group} ")]
    assert told.exit_code == 0 and len(names) > 1
    assert [name for name in names if not re.search(rf"│ {name} +\w", told.output)] == []
