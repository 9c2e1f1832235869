"""The page of errors names what functions raise, and its examples raise what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.errors import lookup

from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")


def test_each_code_that_a_function_raises_is_there() -> None:
    raised = {
        name
        for script in (ROOT / "db").rglob("*.sql")
        for name in re.findall(r"ERRCODE = '(\w+)'", script.read_text(encoding="utf-8"))
    }
    assert len(raised) > 3
    assert [name for name in raised if f"` {name} |" not in PAGE] == []
    for code, name in re.findall(r"`([0-9A-Z]{5})` ([a-z_]+)", PAGE):
        assert lookup(code).__name__.lower() == name.replace("_", ""), code


def test_the_examples_raise_it(connect: Callable[..., psycopg.Connection[Any]]) -> None:
    reader = connect(role="anime_reader")
    code, tried = "", 0
    for codes, statement in re.findall(r"^\|([^|]*)\|[^|]*\| `(SELECT [^|]*)` \|", PAGE, re.M):
        code = " ".join(re.findall(r"`(\w{5})`", codes)) or code
        with pytest.raises(psycopg.Error) as caught:
            reader.execute(statement)
        assert caught.value.sqlstate and caught.value.sqlstate in code
        tried += 1
    assert tried == 5
