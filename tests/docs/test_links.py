"""Links lead somewhere, headings included; the site builds without a warning; cells are short."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import DOCUMENTS, FENCE, PAGES, ROOT

CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\((?P<path>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")
LONGEST_CELL = 350


def prose(document: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", (ROOT / document).read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What a Git host makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page.relative_to(ROOT).as_posix()), re.M)
    words = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {re.sub(r"\s", "-", word.strip()) for word in words}


@pytest.mark.parametrize("document", PAGES)
def test_every_link_leads_somewhere(document: str) -> None:
    for link in LINK.finditer(CODE.sub("", prose(document))):
        if "://" in link["path"]:
            continue
        target = (ROOT / document).parent / link["path"] if link["path"] else ROOT / document
        target = target.resolve()
        assert target.exists(), f"{document}: {link[0]}"
        if link["anchor"]:
            assert link["anchor"][1:] in anchors(target), f"{document}: {link[0]}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_tables_have_no_essays(document: str) -> None:
    for line in prose(document).splitlines():
        if line.startswith("|"):
            longest = max(re.split(r"(?<!\\)\|", line), key=len)
            assert len(longest) <= LONGEST_CELL, f"{document}: {longest.strip()[:60]} …"


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site/reference/functions/index.html").read_text(encoding="utf-8")
    assert "anime.search(" in page
    operations = (tmp_path / "site/how-to/operations/index.html").read_text(encoding="utf-8")
    assert "/blob/main/docker/monitoring/alerts.yml" in operations
