"""The pgTAP files, each line of theirs a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

pytestmark = pytest.mark.full

FILES = sorted((Path(__file__).parent / "pgtap").glob("*.sql"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_holds(file: Path, connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE EXTENSION pgtap")
    cursor = connection.execute(file.read_bytes())
    lines: list[str] = []
    while True:
        if cursor.description is not None:
            lines += [str(row[0]) for row in cursor.fetchall()]
        if not cursor.nextset():
            break
    assert lines[0].startswith("1.."), "the file plans its tests"
    ran = [line for line in lines if line.startswith(("ok ", "not ok "))]
    assert len(ran) == int(lines[0].removeprefix("1.."))
    assert [line for line in lines[1:] if not line.startswith("ok ")] == []
