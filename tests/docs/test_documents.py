"""Every SQL block and command in README and docs is run; what a block promises is what comes.

PGJIKAN_DOCS_UPDATE=1 writes what comes into the documents instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tests.docs.blocks import DOCUMENTS, ROOT, RUNNABLE, SHOWN, Block, blocks, render, statements


def run_sql(block: Block, connection: psycopg.Connection[Any]) -> str:
    answer = ""
    for statement in statements(block.text):
        cursor = connection.execute(statement.encode())
        if cursor.description is not None:
            answer = render(cursor)
    return answer


def run_program(command: list[str], block: Block, database: str, home: Path) -> str:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "DATABASE_URL": database,
        "COLUMNS": "100",
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [*command, block.text],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, f"{block.document}:{block.line}\n{done.stdout}\n{done.stderr}"
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_its_blocks_do_what_they_say(document: str, tmp_path: Path, request: Any) -> None:
    page = (ROOT / document).read_text(encoding="utf-8")
    todo = [
        block
        for block in blocks(document)
        if block.reason is None and block.lang in ("sql", "sh", "python")
    ]
    if not todo:
        return
    database = request.getfixturevalue("starter_database")
    wrong, new = [], []
    with psycopg.connect(database, autocommit=True) as connection:
        for block in todo:
            try:
                if block.lang == "sql":
                    answer = run_sql(block, connection)
                else:
                    program = [sys.executable, "-c"]
                    if block.lang == "sh":
                        program = [shutil.which("bash") or "bash", "-euo", "pipefail", "-c"]
                    answer = run_program(program, block, database, tmp_path)
            except psycopg.Error as error:
                raise AssertionError(f"{document}:{block.line}: {error}") from error
            if block.result is not None:
                start, end = block.result
                if answer != page[start:end]:
                    wrong.append(f"{document}:{block.line} answers\n{answer}")
                new.append((start, end, answer))
    if os.environ.get("PGJIKAN_DOCS_UPDATE"):
        for start, end, answer in reversed(new):
            page = page[:start] + answer + page[end:]
        (ROOT / document).write_text(page, encoding="utf-8")
    else:
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_run_or_says_why_not(document: str) -> None:
    page = (ROOT / document).read_text(encoding="utf-8")
    assert not re.search(r"^[ \t>]+```", page, re.M), "an indented block would not be seen"
    for block in blocks(document):
        where = f"{document}:{block.line}"
        assert block.lang in (*RUNNABLE, *SHOWN), f"{where}: of no known kind"
        assert block.reason is None or len(block.reason) > 10, f"{where}: no reason"


def test_the_workflow_is_complete() -> None:
    [block] = [b for b in blocks("docs/how-to/without-a-sidecar.md") if b.lang == "yaml"]
    workflow = yaml.safe_load(block.text)
    # YAML reads a bare `on` as true.
    triggers = workflow[True]
    assert triggers["schedule"] == [{"cron": "0 2 * * *"}]
    assert "workflow_dispatch" in triggers
    [job] = workflow["jobs"].values()
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert "pgjikan sidecar --once" in commands
    assert "DATABASE_URL" in job["env"]
