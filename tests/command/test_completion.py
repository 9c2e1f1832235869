"""Shells complete commands, options and their values."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def ask(**environment: str) -> str:
    """What the installed command tells a shell; it goes by the name it was called by."""
    done = subprocess.run(
        [Path(sys.executable).with_name("pgjikan")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    ("shell", "words", "offered"),
    [
        ("bash", "pgjikan sync season 2024 f", {"fall"}),
        ("zsh", "pgjikan embeddings s", {"status", "switch"}),
        ("fish", "pgjikan server st", {"start", "stop", "status"}),
    ],
)
def test_words_are_completed(shell: str, words: str, offered: set[str]) -> None:
    said = ask(
        _PGJIKAN_COMPLETE=f"complete_{shell}",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split()) - 1),
        _TYPER_COMPLETE_ARGS=words,
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert offered <= set(re.findall(r"[\w-]+", said))
    assert "Usage" not in said and "demo" not in said


def test_a_shell_is_told_how() -> None:
    said = ask(_PGJIKAN_COMPLETE="source_zsh")
    assert "_PGJIKAN_COMPLETE" in said and "Usage" not in said
