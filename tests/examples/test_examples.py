"""Each example does what it shows, as a login with anime_reader; the Next.js route with real pg."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from playwright.sync_api import Browser, expect
from psycopg.conninfo import conninfo_to_dict

from pgjikan.gateway.server import GatewayThread, listen, url_of
from pgjikan.gateway.settings import GatewaySettings
from tests.conftest import ROOT
from tests.dashboard.conftest import complaints
from tests.docs.blocks import blocks

EXAMPLES = ROOT / "examples"


def as_url(dsn: str) -> str:
    """The same connection string in the form that Node wants."""
    parts = conninfo_to_dict(dsn)
    where = urlencode({"host": parts["host"], "port": parts["port"]})
    login = f"{parts['user']}:{quote(str(parts['password']))}"
    return f"postgresql://{login}@/{parts['dbname']}?{where}"


def test_the_discord_command_is_short_and_answers_a_message(app_dsn: str) -> None:
    script = EXAMPLES / "discord/command.py"
    assert len(script.read_text().splitlines()) <= 33, "30 lines and the way to try it"

    def say(title: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, script, title],
            env=os.environ | {"DATABASE_URL": app_dsn},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)["data"]
        return answer

    [embed] = say("cowboy bebop")["embeds"]
    assert embed["title"] == "Cowboy Bebop"
    assert embed["url"].endswith("/anime/1")
    assert len(embed["fields"][0]["value"].splitlines()) == 3
    assert "try again" in say("qqqqqqq zzzzzz")["content"]


@contextmanager
def fastapi_service(dsn: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port)],
        cwd=EXAMPLES / "fastapi",
        env=os.environ | {"DATABASE_URL": dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while True:
            assert process.poll() is None, process.communicate()[0]
            try:
                requests.get(f"{url}/openapi.json", timeout=5)
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_fastapi_service_searches_shows_and_recommends(app_dsn: str) -> None:
    with fastapi_service(app_dsn) as url:
        found = requests.get(f"{url}/search", {"q": "fullmetal alchemst", "limit": 2}, timeout=30)
        assert [row["mal_id"] for row in found.json()] == [121, 5114]
        refused = requests.get(f"{url}/search", {"q": "naruto", "limit": -1}, timeout=30)
        assert refused.status_code == 400
        assert refused.json()["hint"]
        assert requests.get(f"{url}/anime/1", timeout=30).json()["title"] == "Cowboy Bebop"
        assert requests.get(f"{url}/anime/999999", timeout=30).status_code == 202
        following = requests.get(f"{url}/next", {"liked": [1535, 13601]}, timeout=30).json()
        assert len(following) == 10
        assert all(row["why"] for row in following)


@pytest.mark.full
@pytest.mark.timeout(400)
def test_the_nextjs_app_builds_and_its_route_answers_rows_and_refusals(app_dsn: str) -> None:
    folder = ROOT / ".cache/nextjs-example"
    shutil.copytree(
        EXAMPLES / "nextjs",
        folder,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("node_modules", ".next"),
    )
    environment = os.environ | {"DATABASE_URL": as_url(app_dsn), "NEXT_TELEMETRY_DISABLED": "1"}
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    for command in (["npm", "install", *quiet], ["npx", "next", "build"]):
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "/api/search" in done.stdout
    script = """
        import { GET } from './app/api/search/route.js'
        import { pool } from './lib/database.js'
        for (const q of ['k-on&limit=3', 'k-on&limit=-1']) {
            const answer = await GET(new Request('http://localhost/api/search?q=' + q))
            console.log(JSON.stringify([answer.status, await answer.json()]))
        }
        await pool.end()
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    (status, found), (refused, told) = map(json.loads, done.stdout.splitlines())
    assert (status, found["data"][0]["title"]) == (200, "K-ON!")
    assert (refused, bool(told["hint"])) == (400, True)


@contextmanager
def gateway(dsn: str) -> Iterator[str]:
    listening, stop = listen("127.0.0.1", 0), Event()
    thread = GatewayThread(
        listening, GatewaySettings(dsn=dsn, access_log=False, connections=2), stop
    )
    thread.start()
    try:
        yield url_of(listening, "127.0.0.1")
    finally:
        stop.set()
        thread.join(20)


@pytest.mark.full
def test_the_web_page_searches_as_one_types(app_dsn: str, browser: Browser) -> None:
    with gateway(app_dsn) as api, browser.new_page() as page:
        page.goto(f"file://{EXAMPLES}/web/index.html?api={api}")
        page.get_by_role("searchbox").press_sequentially("cowboy bebop")
        expect(page.locator("#list a").first).to_have_text("Cowboy Bebop")


@pytest.mark.full
def test_the_page_of_the_tutorial_searches_as_one_types(
    app_dsn: str, browser: Browser, tmp_path: Path
) -> None:
    [block] = [b for b in blocks("docs/tutorial/five-minutes.md") if b.lang == "html"]
    (tmp_path / "search.html").write_text(block.text)
    with gateway(app_dsn) as api, browser.new_page() as page:
        page.goto(f"file://{tmp_path}/search.html?api={api}")
        page.get_by_role("searchbox").press_sequentially("demon slayr")
        expect(page.locator("#hits li").first).to_have_text(re.compile("^Demon Slayer"))
        assert complaints(page) == []
