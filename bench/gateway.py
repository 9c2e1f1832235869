"""The v4 API beside the same server answering a constant body of the same size.

    .venv/bin/python bench/gateway.py                      # 27,631 titles, a few minutes
    .venv/bin/python bench/gateway.py --growth 16          # and with sixteen times as many
    .venv/bin/python bench/gateway.py --soak 200000        # and whether memory grows
    .venv/bin/python bench/gateway.py --idle 10000         # and what idle connections cost

The whole catalogue of ../shared in a throw-away server with its defaults, every upstream dead, no
sidecar. `pgjikan serve` and the constant server are processes of their own, one worker each,
without an access log; one client over a kept-alive connection asks both in turn, without gzip.
Ratios are of the medians; "p99 more" is what the slowest hundredth takes beyond the constant's.
First as it is, where what was just said is said again (`v4_keep`): there the limits hold, and where
one is not met the exit code is 1. Then with every request asked of the database, where only growth
has limits. Then 64 connections at once, the server with two workers.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import platform
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import uvicorn
from psycopg.conninfo import make_conninfo

from pgjikan import migrations
from pgjikan.gateway import server as gateway_server
from pgjikan.gateway.bounds import protocol
from pgjikan.gateway.settings import GatewaySettings
from pgjikan.loader import load
from pgjikan.server import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
#: What is asked, how often its constant's median it may take, and how often a round asks it.
CASES = {
    "/anime/{id}": (3.0, ["/v4/anime/{id}"]),
    "/anime/{id}/full": (3.0, ["/v4/anime/{id}/full"]),
    "/anime?q=": (
        5.0,
        [f"/v4/anime?q={q}" for q in ("naruto", "cowboy+bebop", "fullmetal", "k-on", "steins")],
    ),
    "/top/anime": (5.0, ["/v4/top/anime", "/v4/top/anime?filter=bypopularity&page=3"]),
    "/seasons/now": (5.0, ["/v4/seasons/now", "/v4/seasons/2020/spring"]),
    "/anime filtered": (
        5.0,
        [
            "/v4/anime?genres={genre}&order_by=score&sort=desc",
            "/v4/anime?type=tv&status=complete&min_score=7&order_by=members&sort=desc",
            "/v4/anime?genres={genre}&type=movie&sfw&order_by=popularity",
            "/v4/anime?start_date=2019-01-01&end_date=2019-12-31&order_by=members&sort=desc",
        ],
    ),
}
NOT_MODIFIED = 1.5
P99_MORE = 10.0
GROWTH = {"p50": 1.5, "p99": 3.0}


class Constant:
    """An application that answers as many bytes as its query says."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size = int(scope["query_string"] or b"2")
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * size})


def serve_constant() -> None:
    listening = gateway_server.listen("127.0.0.1", 0)
    print(f"gateway: {gateway_server.url_of(listening, '127.0.0.1')}", flush=True)
    config = gateway_server.config(Constant(), protocol(GatewaySettings()))
    config.lifespan = "off"
    uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def running(*words: str) -> Iterator[tuple[str, int, int]]:
    """Host, port and process id of a server that prints its URL."""
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        told = None
        for line in process.stdout:  # a warning may come before it
            if told := re.search(r"http://([\d.]+):(\d+)", line):
                break
        assert told is not None
        try:
            wait_until_ready(told[1], int(told[2]))
            yield told[1], int(told[2]), process.pid
        finally:
            process.terminate()
            process.wait()


def wait_until_ready(host: str, port: int) -> None:
    for _ in range(200):
        try:
            get(http.client.HTTPConnection(host, port, timeout=10), "/readyz")
            return
        except OSError:
            time.sleep(0.1)


def get(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None
) -> tuple[float, int, bytes, str | None]:
    started = time.perf_counter()
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    return time.perf_counter() - started, answer.status, body, answer.headers.get("ETag")


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)] * 1000


def measure(ours: tuple[str, int], constant: tuple[str, int], paths: list[str], count: int) -> Any:
    """Times of ours, of constants of the same sizes, and of 304, in milliseconds."""
    here = http.client.HTTPConnection(*ours, timeout=60)
    there = http.client.HTTPConnection(*constant, timeout=60)
    times: dict[str, list[float]] = {"ours": [], "constant": [], "304": []}
    sizes = 0
    for number in range(count + 10):
        path = paths[number % len(paths)]
        elapsed, status, body, tag = get(here, path)
        assert status == 200, (path, status, body[:200])
        plain = get(there, f"/?{len(body)}")[0]
        again, status, _, _ = get(here, path, {"If-None-Match": tag or ""})
        assert status == 304, path
        if number >= 10:
            times["ours"].append(elapsed)
            times["constant"].append(plain)
            times["304"].append(again)
            sizes += len(body)
    return times, sizes // count


def all_paths(patterns: list[str], ids: list[int], genre: int) -> list[str]:
    return [
        pattern.format(id=mal_id, genre=genre)
        for mal_id in ids[: 50 if "{id}" in patterns[0] else 1]
        for pattern in patterns
    ]


def run(dsn: str, count: int) -> dict[str, Any]:
    with psycopg.connect(dsn) as connection:
        ids = [
            row[0]
            for row in connection.execute(
                "SELECT mal_id FROM anime.catalog ORDER BY members DESC NULLS LAST LIMIT 50"
            )
        ]
        genre = connection.execute(
            "SELECT (g ->> 'mal_id')::integer FROM json_array_elements("
            "(anime.v4_cached('/genres/anime', '{}')).body::json -> 'data') AS g"
            " WHERE g ->> 'name' = 'Drama'"
        ).fetchone()
    assert genre is not None
    told: dict[str, Any] = {}
    command = ("-c", "from pgjikan.cli import main; main()", "serve", "--port", "0")
    with (
        running(*command, "--dsn", dsn, "--no-access-log") as ours,
        running(__file__, "--constant") as constant,
    ):
        for name, (allowed, patterns) in CASES.items():
            paths = all_paths(patterns, ids, genre[0])
            times, size = measure(ours[:2], constant[:2], paths, count)
            base = quantile(times["constant"], 0.5)
            told[name] = {
                "bytes": size,
                "p50": round(quantile(times["ours"], 0.5), 2),
                "constant p50": round(base, 2),
                "p99": round(quantile(times["ours"], 0.99), 2),
                "times": round(quantile(times["ours"], 0.5) / base, 2),
                "allowed": allowed,
                "p99 more": round(
                    quantile(times["ours"], 0.99) - quantile(times["constant"], 0.99), 2
                ),
                "304 times": round(quantile(times["304"], 0.5) / base, 2),
            }
    return told


async def crowd(host: str, port: int, paths: list[str], connections: int, seconds: float) -> float:
    """Requests a second over so many kept-alive connections."""
    until = time.perf_counter() + seconds
    done = 0

    async def one(number: int) -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection(host, port)
        while time.perf_counter() < until:
            path = paths[(number + done) % len(paths)]
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            done += 1
        writer.close()

    await asyncio.gather(*(one(number) for number in range(connections)))
    return done / seconds


def memory(pid: int) -> int:
    """Resident kilobytes of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    text = Path(f"/proc/{pid}/status").read_text()
    own = re.search(r"VmRSS:\s+(\d+)", text)
    return (int(own[1]) if own else 0) + sum(memory(int(child)) for child in children)


def idle(port: int, pid: int, connections: int) -> dict[str, Any]:
    """What connections that say nothing cost, and whether others are answered beside them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, connections + 1_000), hard))
    before = memory(pid)
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    started = time.perf_counter()
    status = get(http.client.HTTPConnection("127.0.0.1", port, timeout=60), "/v4/anime/1")[1]
    told = {
        "kB": memory(pid) - before,
        "answered": status,
        "ms": round((time.perf_counter() - started) * 1000, 1),
    }
    closed = 0
    for one in opened:
        one.settimeout(60)
        closed += one.recv(1) == b""
    told["closed"] = closed
    told["seconds until all were closed"] = round(time.perf_counter() - started, 1)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return told


def keep(dsn: str, interval: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE jikan_sync.setting SET value = %s WHERE name = 'v4_keep'", [interval]
        )


def make_database(server: EmbeddedServer, name: str, copies: int, folder: Path) -> str:
    dsn = make_conninfo(server.dsn(), dbname=name)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrations.deploy(dsn, verify=False)
    file = folder / f"{name}.jsonl"
    with file.open("w") as lines:
        tool = SHARED / "tools/catalogue_to_jikan.py"
        subprocess.run([sys.executable, tool, "--repeat", str(copies)], stdout=lines, check=True)
    load(dsn, file)
    file.unlink()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE jikan_sync.provider SET base_url = 'http://127.0.0.1:9/v4'")
        connection.execute("VACUUM ANALYZE")
    return dsn


def over(row: dict[str, Any]) -> str:
    """Which of its limits a case is over."""
    limits = {"times": row["allowed"], "p99 more": P99_MORE, "304 times": NOT_MODIFIED}
    return ", ".join(name for name, most in limits.items() if row[name] > most)


def show(title: str, told: dict[str, Any], *, limited: bool = False) -> None:
    limits = f" (304 may be {NOT_MODIFIED} times, p99 {P99_MORE:.0f} ms more)" if limited else ""
    print(f"\n{title}{limits}")
    print(f"{'':18}{'bytes':>8}{'p50 ms':>8}{'const.':>8}{'times':>7}{'p99 more':>10}"
          f"{'304 times':>11}{'  may  over' if limited else ''}")  # fmt: skip
    for name, row in told.items():
        limit = f"{row['allowed']:>5}  {over(row)}" if limited else ""
        print(f"{name:18}{row['bytes']:>8}{row['p50']:>8}{row['constant p50']:>8}{row['times']:>7}"
              f"{row['p99 more']:>10}{row['304 times']:>11}{limit}")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--constant", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--dsn", help="a database with the catalogue in it, instead of a new one")
    parser.add_argument("--count", type=int, default=400, help="requests a case")
    parser.add_argument("--growth", type=int, default=0, help="also with so many times the titles")
    parser.add_argument("--soak", type=int, default=0, help="so many requests for the memory")
    parser.add_argument("--idle", type=int, default=0, help="so many idle connections")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    if options.constant:
        serve_constant()
        return 0
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)
    told: dict[str, Any] = {"machine": f"{platform.machine()}, {platform.python_version()}"}
    server = None if options.dsn else EmbeddedServer(folder / "data")
    try:
        if server is not None:
            server.start()
        dsn = options.dsn or make_database(server, "one", 1, folder)
        told["one"] = run(dsn, options.count)
        show("as it is", told["one"], limited=True)
        missed = any(over(row) for row in told["one"].values())
        keep(dsn, "0")
        told["asked"] = run(dsn, options.count)
        show("each asked of the database", told["asked"])
        if options.growth:
            many = make_database(server, "many", options.growth, folder)
            keep(many, "0")
            told["many"] = run(many, options.count)
            show(f"with {options.growth} times the titles, each asked", told["many"])
            for share, allowed in GROWTH.items():
                ratios = [told["many"][n][share] / told["asked"][n][share] for n in CASES]
                print(f"growth of {share}: {statistics.median(ratios):.2f}, at most "
                      f"{max(ratios):.2f} (may be {allowed})")  # fmt: skip
                missed = missed or max(ratios) > allowed
        keep(dsn, "1 second")
        paths = ["/v4/anime/1", "/v4/top/anime", "/v4/anime?q=naruto", "/v4/seasons/2020/spring"]
        command = ("-c", "from pgjikan.cli import main; main()", "serve", "--port", "0")
        with running(*command, "--dsn", dsn, "--no-access-log", "--workers", "2") as ours:
            told["per second"] = asyncio.run(crowd(*ours[:2], paths, 64, 10.0))
            print(f"\n64 connections, 2 workers: {told['per second']:.0f} requests a second")
            if options.soak:
                before = memory(ours[2])
                while options.soak > 0:
                    options.soak -= int(asyncio.run(crowd(*ours[:2], paths, 16, 30.0)) * 30)
                told["memory"] = [before, memory(ours[2])]
                print(f"memory: {before} kB, then {told['memory'][1]} kB")
            if options.idle:
                told["idle"] = idle(ours[1], ours[2], options.idle)
                print(f"{options.idle} idle connections: {told['idle']}")
        if options.json:
            print(json.dumps(told))
        return int(missed)
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
