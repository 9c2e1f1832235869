"""Numbers that rules reckon with are refused when they are set where no rule could use them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]
FACTORS = ("UPDATE jikan_sync.ask_policy SET factor", "UPDATE jikan_sync.retry_policy SET factor")
LIMITS = tuple(
    f"UPDATE jikan_sync.provider SET {key}per_{unit}"
    for key in ("", "keyed_")
    for unit in ("second", "minute", "day")
)


@pytest.mark.parametrize("value", ["NaN", "infinity", "-1", "0"])
@pytest.mark.parametrize("change", [*LIMITS, *FACTORS, "UPDATE jikan_sync.rate_limit SET allowed"])
def test_what_no_rule_can_use_is_refused(connection: Connection, change: str, value: str) -> None:
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.NumericValueOutOfRange)):
        connection.execute(f"{change} = '{value}'".encode())


@pytest.mark.parametrize("value", ["least", "most"])
@pytest.mark.parametrize("change", LIMITS)
def test_the_ends_of_the_ranges_can_be_reserved_from(
    connection: Connection, change: str, value: str
) -> None:
    number = {"least": 2 if "day" in change else 0.0001, "most": 1_000_000}[value]
    connection.execute(f"{change} = {number}".encode())
    for _ in range(3):
        connection.execute("SELECT jikan_sync.reserve_request()")
        connection.execute("SELECT jikan_sync.reserve_request(keys => '{tenrai}')")
