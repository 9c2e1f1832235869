"""The SQL reference is what the database says of itself."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from tools.make_reference import reference

from tests.docs.blocks import ROOT


def test_it_is_current(connection: psycopg.Connection[Any]) -> None:
    page = ROOT / "docs/sql-reference.md"
    if os.environ.get("PGJIKAN_DOCS_UPDATE"):
        page.write_text(reference(connection), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == reference(connection), (
        "make it anew: PGJIKAN_DOCS_UPDATE=1 pytest tests/docs, "
        "or python3 tools/make_reference.py DSN (of a database with all changes)"
    )
