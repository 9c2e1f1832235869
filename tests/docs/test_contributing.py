"""What a contributor is told is so: targets, hooks, paths, and every page can be found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pre_commit.clientlib import load_config

from tests.docs.blocks import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_make_lists_every_target_and_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", "")
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.M)
    said = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = dict(re.findall(r"^  make (\S+) +(\S.+)$", said.stdout, re.M))
    assert set(listed) == set(phony.split())
    assert min(map(len, listed.values())) > 10


def test_hooks_are_valid_and_what_they_call_is_installed_by_make() -> None:
    [local] = load_config(str(ROOT / ".pre-commit-config.yaml"))["repos"]
    programs = {hook["entry"].split()[0] for hook in local["hooks"]}
    assert len(programs) > 3
    for program in programs:
        assert program.startswith(".venv/bin/")
        assert Path(sys.executable).with_name(Path(program).name).exists(), program


def test_the_paths_it_names_are_there() -> None:
    folders = "db|sidecar|tests|docs|docker|bench|tools|examples"
    named = set(re.findall(rf"`((?:{folders})/[^`\s]*)`", CONTRIBUTING))
    assert len(named) > 15
    fixed = {path for path in named if not re.search(r"NAME|FACET", path)}
    assert [path for path in sorted(fixed) if not (ROOT / path).exists()] == []


def test_it_fits_on_a_page() -> None:
    assert len(CONTRIBUTING.splitlines()) < 90


def test_every_page_is_found_from_the_first_and_on_the_site() -> None:
    first = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    pages.remove("index.md")
    assert len(pages) > 20
    assert [page for page in sorted(pages) if f"]({page})" not in first] == []
    assert [page for page in sorted(pages) if f"- {page}\n" not in site] == []
    assert "](docs/index.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
