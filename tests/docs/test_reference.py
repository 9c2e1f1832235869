"""The SQL reference is what the database says of itself."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from tools.make_reference import pages


def test_it_is_current(connection: psycopg.Connection[Any]) -> None:
    for path, text in pages(connection).items():
        assert "None" not in text.splitlines(), f"{path.name}: something has no comment"
        if os.environ.get("PGJIKAN_DOCS_UPDATE"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, (
            f"{path.name}: make it anew: PGJIKAN_DOCS_UPDATE=1 pytest tests/docs, "
            "or python3 tools/make_reference.py DSN (of a database with all changes)"
        )
