"""Clients that others wrote for Jikan, unmodified but for the URL."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.gateway.facets import store_whole
from tests.store.documents import anime

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache"
JIKAN4 = "0.6.0"
#: How many tests it has about what is served; and what they need beside pytest.
JIKAN4_TESTS = 52
PYTEST_ASYNCIO = "1.3.0"
#: What a title has elsewhere and not here; and what is a list.
NOT_MIRRORED = ("forum", "articles", "stacks")
LISTS = ("characters", "staff", "episodes", "news", "pictures", "recommendations", "reviews")
PACKAGES = {"@tutkli/jikan-ts": "3.1.0", "ky": "1.14.3"}

#: Routes about something else than the anime that are mirrored.
ELSEWHERE = {
    "anime.getAnimeForum": "404",
    "anime.getAnimeUserUpdates": "404",
    "top.getTopManga": "404",
    "top.getTopCharacters": "404",
    "top.getTopPeople": "404",
    "top.getTopReviews": "404",
    "genres.getMangaGenres": "404",
    "random.getRandomManga": "404",
    "random.getRandomCharacters": "404",
    "random.getRandomPerson": "404",
}


def test_jikan_ts_calls_every_method(
    connection: psycopg.Connection[Any], serve: Callable[..., str], tmp_path: Path
) -> None:
    store_whole(connection)
    folder = CACHE / "jikan-ts"
    if not (folder / "node_modules/ky").is_dir():
        assert shutil.which("npm"), "needs npm to install jikan-ts"
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        command = ["npm", "install", *quiet, "--prefix", str(folder), "--save-exact", *wanted]
        subprocess.run(command, check=True, timeout=500)
    script = folder / "jikan_ts.mjs"
    shutil.copyfile(HERE / "clients/jikan_ts.mjs", script)
    done = subprocess.run(
        ["node", script, f"{serve()}/v4"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name: what for name, what in told.items() if name in ELSEWHERE} == ELSEWHERE
    assert len(told) >= 30
    wrong = {
        name: what
        for name, what in told.items()
        if name not in ELSEWHERE and not (isinstance(what, int) or what == "object")
    }
    assert wrong == {}
    for name in ("anime.getAnimeCharacters", "anime.getAnimeSearch", "seasons.getSeason"):
        assert told[name] >= 1, name


@pytest.fixture
def jikan4() -> Path:
    """The sources of jikan4 with their tests, and what its tests need beside pytest."""
    folder, plugins = CACHE / f"jikan4-{JIKAN4}", CACHE / "pytest-asyncio"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    if not folder.is_dir():
        CACHE.mkdir(exist_ok=True)
        command = [*pip, "download", "--no-deps", "--no-binary", ":all:", "--dest", str(CACHE)]
        subprocess.run([*command, f"jikan4=={JIKAN4}"], check=True, timeout=300)
        with tarfile.open(CACHE / f"jikan4-{JIKAN4}.tar.gz") as packed:
            packed.extractall(CACHE, filter="data")
    if not plugins.is_dir():
        command = [*pip, "install", "--no-deps", "--target", str(plugins)]
        subprocess.run([*command, f"pytest-asyncio=={PYTEST_ASYNCIO}"], check=True, timeout=300)
    return folder


def test_jikan4_passes_its_own_tests(
    connection: psycopg.Connection[Any], serve: Callable[..., str], jikan4: Path
) -> None:
    store_whole(connection)
    connection.execute(
        "SELECT jikan_sync.store_anime(%s::jsonb)",
        [json.dumps([anime(20, title="Naruto")])],
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "another_url", "-p", "no:randomly"]
    command += ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(jikan4)]
    for client in ("jikan", "aiojikan"):
        command += ["--deselect", f"tests/test_{client}.py::test_get_anime_forum"]  # not mirrored
        command += ["--deselect", f"tests/test_{client}.py::test_ratelimit"]  # of its own limiter
        command += [f"tests/test_{client}.py"]
    command += ["tests/test_routes.py", "tests/test_public_api.py", "tests/test_anime_phase4.py"]
    done = subprocess.run(
        command,
        cwd=jikan4,
        env=os.environ
        | {
            "PYTHONPATH": f"{jikan4}:{HERE / 'clients'}:{CACHE / 'pytest-asyncio'}",
            "PGJIKAN_TEST_URL": f"{serve()}/v1",
            "PYTEST_ADDOPTS": "",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None and int(passed[1]) >= JIKAN4_TESTS
    assert "skipped" not in done.stdout


def test_jikan4_understands_every_part_of_a_title(
    connection: psycopg.Connection[Any], serve: Callable[..., str], jikan4: Path
) -> None:
    """Both of its clients, whose models look at each field."""
    store_whole(connection)
    done = subprocess.run(
        [sys.executable, HERE / "clients/jikan4_facets.py", f"{serve()}/v1"],
        env=os.environ | {"PYTHONPATH": str(jikan4)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for client in ("sync", "async"):
        for part in NOT_MIRRORED:
            assert "404" in told.pop(f"{client}_{part}")
        for part in LISTS:
            assert told[f"{client}_{part}"] >= 1, part
    wrong = {part: what for part, what in told.items() if " " in str(what)}
    assert wrong == {}
    assert len(told) == 2 * 18
