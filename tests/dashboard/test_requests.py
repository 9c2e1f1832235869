"""What the dashboard answers, to whom, and what it refuses."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import requests
from typer.testing import CliRunner

from pgjikan.cli import app
from pgjikan.dashboard.app import STATIC
from pgjikan.dashboard.guard import is_loopback
from pgjikan.errors import PgjikanError
from tests.store.documents import anime
from tests.store.test_store_anime import store, value

Connection = psycopg.Connection[Any]
OURS = {"X-Pgjikan": "1"}


def search(site: str, **parameters: str) -> Any:
    answer = requests.get(f"{site}/api/search", params=parameters, headers=OURS, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def redrive(site: str, ids: list[int] | None, headers: dict[str, str]) -> requests.Response:
    return requests.post(f"{site}/api/redrive", json={"ids": ids}, headers=headers, timeout=10)


@contextmanager
def stream(site: str) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of a stream as they come: their names and data."""
    with requests.get(f"{site}/api/events", stream=True, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        lines = answer.iter_lines(chunk_size=1, decode_unicode=True)

        def events() -> Iterator[tuple[str, Any]]:
            name = ""
            for line in lines:
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

        yield events()


def until(events: Iterator[tuple[str, Any]], part: str, holds: Callable[[Any], Any]) -> Any:
    """The first version of a part of the state for which `holds`."""
    for _ in range(200):
        name, data = next(events)
        if name == "state" and part in data and holds(data[part]):
            return data[part]
    raise AssertionError(f"{part} never came to be so")


def test_every_file_comes_with_a_strict_policy(site: str) -> None:
    files = [str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in ("", *(f"static/{file}" for file in files)):
        answer = requests.get(f"{site}/{path}", timeout=10)
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Server" not in answer.headers


def test_the_page_holds_no_script_and_no_style_and_loads_only_what_is_shipped() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page)
    for address in re.findall(r'(?:src|href)="([^"#]+)"', page):
        assert (STATIC / address.removeprefix("/static/")).is_file(), address
    assert (STATIC / "vendor/uplot-LICENSE.txt").read_text().startswith("The MIT License")


def test_no_script_makes_markup_of_text() -> None:
    for script in STATIC.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function",
            script.read_text(),
        ), script.name


def test_a_name_that_foreign_dns_could_point_here_is_refused(site: str) -> None:
    names = ("evil.example", "127.0.0.1.evil.example", "evil.example:8484", "localhost.evil", "[")
    for host in names:
        for path in ("/", "/api/events", "/api/search?q=x", "/static/app.js"):
            answer = requests.get(site + path, headers={**OURS, "Host": host}, timeout=10)
            assert answer.status_code in (400, 403), (host, path)
            assert "rows" not in answer.text


def test_addresses_and_localhost_are_names_of_ours(site: str) -> None:
    for host in ("localhost:9000", "127.0.0.1", "[::1]:8484", "LOCALHOST"):
        assert requests.get(site, headers={"Host": host}, timeout=10).status_code == 200, host


def test_another_page_in_the_browser_can_neither_redrive_nor_search(
    site: str, connection: Connection, give_up: Callable[..., int]
) -> None:
    dead = give_up(5)
    foreign: list[dict[str, str]] = [
        {},
        {**OURS, "Origin": "http://evil.example"},
        {**OURS, "Origin": "null"},
        {**OURS, "Origin": "http://127.0.0.1:1"},
        {**OURS, "Sec-Fetch-Site": "cross-site"},
        {**OURS, "Sec-Fetch-Site": "same-site"},
    ]
    for headers in foreign:
        assert redrive(site, [dead], headers).status_code == 403
        answer = requests.get(f"{site}/api/search?q=kemonozume&ask=1", headers=headers, timeout=10)
        assert answer.status_code == 403
    assert value(connection, "SELECT count(*) FROM jikan_sync.dead_letter") == 1
    assert value(connection, "SELECT count(*) FROM jikan_sync.search_request") == 0


def test_a_preflight_is_not_answered(site: str) -> None:
    answer = requests.options(
        f"{site}/api/redrive",
        headers={
            "Origin": "http://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-pgjikan",
        },
        timeout=10,
    )
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_redrive_brings_back_what_is_named_or_all(
    site: str, connection: Connection, give_up: Callable[..., int]
) -> None:
    first, _second, _third = (give_up(mal_id) for mal_id in (1, 2, 3))
    ours = {**OURS, "Origin": site, "Sec-Fetch-Site": "same-origin"}
    assert redrive(site, [first], ours).json() == {"count": 1}
    assert value(connection, "SELECT mal_id FROM jikan_sync.queue") == 1
    assert redrive(site, None, OURS).json() == {"count": 2}
    assert value(connection, "SELECT count(*) FROM jikan_sync.dead_letter") == 0


def test_redrive_of_nonsense_is_refused(
    site: str, connection: Connection, give_up: Callable[..., int]
) -> None:
    give_up(1)
    for body in (b"", b"[]", b"{}", b'{"ids": ["1"]}', b'{"ids": true}', b"\xff"):
        answer = requests.post(f"{site}/api/redrive", data=body, headers=OURS, timeout=10)
        assert answer.status_code == 400, body
    assert value(connection, "SELECT count(*) FROM jikan_sync.dead_letter") == 1


def test_typing_reads_and_asking_asks(site: str, connection: Connection) -> None:
    store(connection, [anime(1)])
    found = search(site, q="cowboy bebop")
    assert [row["mal_id"] for row in found["rows"]] == [1]
    assert found["rows"][0]["match"] == "exact" and found["status"]["state"] == "local"
    assert search(site, q="kemonozume")["status"]["state"] == "unknown"
    assert value(connection, "SELECT count(*) FROM jikan_sync.queue WHERE task = 'search'") == 0
    assert search(site, q="kemonozume", ask="1")["status"]["state"] == "pending"
    connection.execute("SELECT jikan_sync.fold_wishes()")
    assert value(connection, "SELECT count(*) FROM jikan_sync.queue WHERE task = 'search'") == 1


def test_any_text_is_a_question(site: str) -> None:
    for query in ("", " ", "'", "%", "\\", "a" * 255, "進撃", "\u202e", "'; DROP"):
        assert search(site, q=query, ask="1")["rows"] == []


def test_what_the_database_cannot_take_is_the_askers_fault(site: str) -> None:
    answer = requests.get(f"{site}/api/search", params={"q": "a\0b"}, headers=OURS, timeout=10)
    assert answer.status_code == 400 and answer.json()["error"]


def test_titles_come_as_json_that_no_browser_takes_for_a_page(
    site: str, connection: Connection
) -> None:
    hostile = "</script><script>alert(1)</script>"
    store(connection, [anime(1, title=hostile)])
    answer = requests.get(f"{site}/api/search?q=alert", headers=OURS, timeout=10)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.json()["rows"][0]["title"] == hostile


def test_a_stream_begins_with_everything_and_goes_on_with_what_changes(
    site: str, connection: Connection, give_up: Callable[..., int]
) -> None:
    store(connection, [anime(1)])
    with stream(site) as events:
        seen: set[str] = set()
        while len(seen) < 12:  # nine parts that pulse, two that draw time, the fault
            name, data = next(events)
            assert name == "state"
            seen |= set(data)
        dead = give_up(7, "a fault of its own")
        rows = until(events, "dead", lambda rows: rows)
        assert [(row["id"], row["message"]) for row in rows] == [(dead, "a fault of its own")]
        redrive(site, None, OURS)
        assert until(events, "dead", lambda rows: not rows) == []
        connection.execute("SELECT jikan_sync.learn_search('kemonozume', '{1}')")
        assert next(name for name, _ in events if name == "search") == "search"


def test_two_pages_get_the_same(site: str, give_up: Callable[..., int]) -> None:
    with stream(site) as one, stream(site) as other:
        give_up(7)
        for events in (one, other):
            [row] = until(events, "dead", lambda rows: rows)
            assert row["mal_id"] == 7


def test_it_outlives_lost_connections(
    site: str, connection: Connection, give_up: Callable[..., int]
) -> None:
    search(site, q="x")
    with stream(site) as events:
        next(events)
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'pgjikan dashboard' AND datname = current_database()"
        )
        give_up(8)
        assert until(events, "dead", lambda rows: rows)
        assert search(site, q="x")["rows"] == []
        while value(
            connection,
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
            " AND application_name = 'pgjikan dashboard' AND datname = current_database()",
        ) == 0:  # fmt: skip
            next(events)
        connection.execute("SELECT jikan_sync.learn_search('x1', '{}')")
        assert next(name for name, _ in events if name == "search") == "search"


def test_which_hosts_only_this_machine_reaches() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.0.2.1", "host.example"))


def test_the_command_serves_until_told_to_stop(database: str) -> None:
    program = "from pgjikan.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "dashboard", "--port", "0", "--dsn", database],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert address, line
        assert "pgjikan" in requests.get(address[0], timeout=10).text
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_the_command_warns_of_a_host_that_others_reach(database: str) -> None:
    # No machine has this address, so that nothing listens on it.
    said = CliRunner().invoke(app, ["dashboard", "--host", "192.0.2.1", "--dsn", database])
    assert "warning: listening on 192.0.2.1" in said.stderr and "no login" in said.stderr
    assert isinstance(said.exception, PgjikanError) and "cannot listen" in str(said.exception)


def test_the_command_says_what_to_do_with_an_empty_database(empty_database: str) -> None:
    said = CliRunner().invoke(app, ["dashboard", "--port", "0", "--dsn", empty_database])
    assert isinstance(said.exception, PgjikanError) and said.exception.hint == "pgjikan deploy"
