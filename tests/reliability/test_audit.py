"""The audit of dependencies knows what it looks at, and does not take silence for an all-clear."""

from __future__ import annotations

import pytest
from tools import audit


def test_it_looks_at_what_users_get_and_not_at_our_tools() -> None:
    found = audit.pulled_in()
    assert {"psycopg", "psycopg-binary", "aiohttp", "google-genai", "urllib3"} <= set(found)
    assert {"pytest", "mypy", "pip-audit"}.isdisjoint(found)


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND 0BSD AND MIT", True),
        ("GPL-3.0-only OR Apache-2.0", True),
        ("Apache Software License; MIT License", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT License; GNU General Public License v3 (GPLv3)", False),
        ("LGPL-3.0-only", False),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_every_part_of_a_licence_must_be_allowed(licence: str, allowed: bool) -> None:
    assert audit.is_allowed("anything", licence) is allowed


def test_a_library_under_the_lgpl_is_named() -> None:
    assert audit.is_allowed("psycopg", "LGPL-3.0-only")
    assert not audit.is_allowed("psycopg", "GPL-3.0-only")


def test_nothing_is_said_of_vulnerabilities_where_the_known_one_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, "CANARY", ("pip-audit", "0.0.0"))
    found, doubt = audit.advisories({})
    assert found == []
    assert doubt
