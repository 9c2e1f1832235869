"""Stock sqitch and our runner build the same catalogue, and each undoes the other's work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pgjikan import migrations
from tests.catalogue.test_changes import dump, planned

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


def test_sqitch_deploys_verifies_reverts_and_deploys_the_same(
    empty_database: str, database: str, sqitch: Callable[..., str]
) -> None:
    sqitch(empty_database, "deploy", "--verify")
    assert dump(empty_database) == dump(database)
    sqitch(empty_database, "verify")
    sqitch(empty_database, "check")
    sqitch(empty_database, "revert", "-y")
    sqitch(empty_database, "deploy")
    assert dump(empty_database) == dump(database)


def test_sides_may_be_changed(database: str, sqitch: Callable[..., str]) -> None:
    before = dump(database)
    assert "up-to-date" in sqitch(database, "status")
    sqitch(database, "verify")
    sqitch(database, "revert", "-y")
    assert migrations.deploy(database) == len(planned())
    assert dump(database) == before
    sqitch(database, "check")
