"""The fixtures every other test stands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg


def test_clones_are_apart(database: str, empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE public.mine ()")
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT to_regclass('public.mine')").fetchone()
    assert row == (None,)


def test_connect_sets_the_role(connect: Callable[..., psycopg.Connection[Any]]) -> None:
    reader = connect(role="pg_monitor", autocommit=False)
    assert reader.execute("SELECT current_user").fetchone() == ("pg_monitor",)


def test_trigrams_know_japanese(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        row = connection.execute(
            "SELECT pg_catalog.cardinality(show_trgm('進撃の巨人'))"
        ).fetchone()
    assert row == (6,)
