"""Search by meaning: is the right anime the first, or among the first ten, of a described plot?

`bench/plots.jsonl` holds 177 descriptions of plots in our own words, as one types them into a
search box (144 English, 12 Spanish, 11 German, 10 Japanese; a third each of famous, middling and
obscure titles), each with the anime it fits: the title, its retellings and further seasons. The
half whose first mal_id is odd was tuned on, the other was held out.

    python bench/semantic.py               # a throw-away server with the catalogue of ../shared
    python bench/semantic.py --dsn DSN     # one that is filled already; adds queries

Asks each query until it has its vector and its foreign words are read, then once more, timed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import psycopg

from pgjikan import db, migrations
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.loader import load
from pgjikan.server import EmbeddedServer
from pgjikan.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
ASK = "SELECT mal_id FROM anime.search_semantic(%s, max_rows => 10)"


def drain(dsn: str) -> None:
    """Embed all that waits, words included, as a sidecar would."""
    lane = EmbeddingLane(lambda: db.connect(dsn, "bench"), Settings(), Event(), "bench")
    while lane.step():
        pass
    lane.close()


def shares(ranks: np.ndarray[Any, Any], chosen: np.ndarray[Any, Any]) -> str:
    return f"{(ranks[chosen] <= 1).mean():.3f} | {(ranks[chosen] <= 10).mean():.3f}"


def measure(dsn: str) -> None:
    plots = [json.loads(line) for line in (ROOT / "bench" / "plots.jsonl").open(encoding="utf-8")]
    with psycopg.connect(dsn, autocommit=True) as connection:
        for plot in plots:
            connection.execute(ASK, [plot["q"]])
        drain(dsn)
        ranks, spent = [], []
        for plot in plots:
            started = time.perf_counter()
            rows = connection.execute(ASK, [plot["q"]]).fetchall()
            spent.append((time.perf_counter() - started) * 1000)
            right = [place for place, (found,) in enumerate(rows, 1) if found in plot["expect"]]
            ranks.append(min(right, default=99))
    at = np.array(ranks)
    is_odd = np.array([plot["expect"][0] % 2 == 1 for plot in plots])
    groups = {"all": at > 0, "tuned on": is_odd, "held out": ~is_odd}
    for field in ("language", "fame"):
        for name in dict.fromkeys(plot[field] for plot in plots):
            groups[name] = np.array([plot[field] == name for plot in plots])
    print("| of them | number | first | first ten |\n|---|---|---|---|")
    for name, chosen in groups.items():
        print(f"| {name} | {chosen.sum()} | {shares(at, chosen)} |")
    p50, p99 = np.percentile(spent, [50, 99])
    print(f"\n{p50:.1f} ms in the middle, {p99:.1f} ms at the 99th percentile")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dsn", help="a database that is filled already")
    arguments = parser.parse_args()
    if arguments.dsn:
        measure(arguments.dsn)
        return
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)  # as root the server runs under its own account
    try:
        with EmbeddedServer(folder / "data", options={"shared_buffers": "1GB"}) as server:
            migrations.deploy(server.dsn())
            source = folder / "catalogue.jsonl"
            with source.open("wb") as target:
                tool = (sys.executable, str(SHARED / "tools" / "catalogue_to_jikan.py"))
                subprocess.run(tool, check=True, stdout=target)
            load(server.dsn(), source)
            drain(server.dsn())
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            measure(server.dsn())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
