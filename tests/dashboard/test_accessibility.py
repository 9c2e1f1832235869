"""axe-core, which knows the rules for accessible pages, finds nothing against the dashboard."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.test_page import Scheme, search
from tests.store.documents import anime
from tests.store.test_store_anime import store

pytestmark = pytest.mark.full

RUN = """axe.run(document, { preload: false, resultTypes: ["violations"] }).then((found) => ({
  rules: found.passes.length,
  violations: found.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]),
}))"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent", "axe-core@4.14.1"],
        cwd=folder,
        check=True,
    )
    return Path(folder, "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    scheme: Scheme,
    axe: str,
    page: Page,
    connection: psycopg.Connection[Any],
    give_up: Callable[..., int],
) -> None:
    page.emulate_media(color_scheme=scheme)
    store(connection, [anime(1), anime(2, title="Cowboy Funk")])
    give_up(101)
    search(page, "cowb")
    expect(page.locator("#results tbody tr")).to_have_count(2)
    expect(page.locator("#dead tbody tr")).to_have_count(1)
    page.evaluate(axe)
    found = page.evaluate(RUN)
    assert found["rules"] > 20
    assert found["violations"] == []
