"""`pgjikan search` says where its rows are only what comes nearest, and what comes of that."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import psycopg
import pytest

from tests.store.documents import anime
from tests.store.test_store_anime import store


def search(dsn: str, *words: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from pgjikan.cli import main; main()", "search", *words],
        env={**os.environ, "DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def mirror(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    store(connection, [anime(269, title="Bleach")])
    return connection


def test_what_fits_comes_without_a_word(mirror: psycopg.Connection[Any], database: str) -> None:
    rows, said = search(database, "bleach")
    assert ("Bleach" in rows, said) == (True, "")


def test_what_only_resembles_is_said_to(mirror: psycopg.Connection[Any], database: str) -> None:
    rows, said = search(database, "bleach cleaner")
    assert "Bleach" in rows
    assert said.startswith("these only resemble 'bleach cleaner': an upstream is asked")
    assert said.count("\n") == 1
    assert search(database, "bleach cleaner", "--json")[1] == ""


def test_that_nothing_is_like_it_is_said_too(
    mirror: psycopg.Connection[Any], database: str
) -> None:
    rows, said = search(database, "a title nobody has")
    assert rows == "nothing found\n"
    assert said.startswith("no title is like 'a title nobody has': an upstream is asked")
    mirror.execute("SELECT jikan_sync.fold_wishes()")
    mirror.execute("SELECT jikan_sync.learn_search('a title nobody has', '{}')")
    assert "an upstream was asked, and has none either" in search(database, "a title nobody has")[1]


def test_that_nobody_can_be_asked_is_said(mirror: psycopg.Connection[Any], database: str) -> None:
    mirror.execute("UPDATE jikan_sync.provider SET enabled = false")
    assert "no upstream answers now" in search(database, "bleach cleaner")[1]
