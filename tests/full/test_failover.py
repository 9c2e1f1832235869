"""The files of `deploy/`, run: three machines, the primary killed under load. The long form is
`make failover`. In a process of its own, because it takes the network's namespace with it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]


def test_a_primary_dies_and_nothing_acknowledged_is_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.failover", "--seed", "1", "--short"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VIOLATED" not in done.stdout
    assert re.search(r"seconds without writes after kill: \d", done.stdout), done.stdout
    assert len(re.findall(r"^holds ", done.stdout, re.MULTILINE)) >= 11, done.stdout
