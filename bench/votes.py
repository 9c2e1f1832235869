"""What do all users' recommendations cost to store, and to store again?

The votes of ../shared/recommend/votes.jsonl are given to the database as Jikan documents, one list
for each of the catalogue's titles, as `pgjikan sync recommendations --titles 27631` would: the most
have none. Then all of them once more, which has to write nothing. With --documents they go in
through `jikan_sync.store_facet`, which keeps each list as received as well; only titles with votes.

    python bench/votes.py                # under a minute
    python bench/votes.py --documents    # two
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "sidecar"))

import psycopg

from pgjikan import migrations
from pgjikan.server import EmbeddedServer

SHARED = Path(__file__).parents[2] / "shared"
CATALOGUE = SHARED / "jikan" / "catalogue" / "anime-merged.jsonl.gz"
VOTES = SHARED / "recommend" / "votes.jsonl"
LIMIT_MB = 15

WRITES = (
    "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
    " WHERE schemaname = 'jikan' AND relname IN"
    " ('recommendation', 'recommendation_list', 'facet_document')"
)
SIZES = (
    "SELECT relname, pg_total_relation_size(oid) / 1e6 FROM pg_class"
    " WHERE relnamespace = 'jikan'::regnamespace AND relname = ANY (%s)"
)
TYPED = ["recommendation", "recommendation_list"]


def entry(one: int, other: int, votes: int) -> dict[str, Any]:
    """An entry of a list as Jikan has it, addresses of pictures and all."""

    def picture(kind: str) -> dict[str, str]:
        path = f"https://cdn.myanimelist.net/images/anime/{other % 2000}/{100000 + other}"
        mark = f"?s={other * 2654435761 % 2**128:032x}"
        sizes = {"image_url": "", "small_image_url": "t", "large_image_url": "l"}
        return {name: f"{path}{size}.{kind}{mark}" for name, size in sizes.items()}

    return {
        "entry": {
            "mal_id": other,
            "url": f"https://myanimelist.net/anime/{other}/Title_{other}",
            "images": {"jpg": picture("jpg"), "webp": picture("webp")},
            "title": f"Title {other}",
        },
        "url": f"https://myanimelist.net/recommendations/anime/{min(one, other)}-{max(one, other)}",
        "votes": votes,
    }


def lists() -> dict[int, str]:
    """The list of each title of the catalogue, as JSON."""
    votes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for line in VOTES.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        votes[pair["a"]].append((pair["b"], pair["votes"]))
        votes[pair["b"]].append((pair["a"], pair["votes"]))
    with gzip.open(CATALOGUE, "rt", encoding="utf-8") as titles:
        ids = {int(json.loads(line)["mal_id"]) for line in titles}
    return {
        mal_id: json.dumps(
            [
                entry(mal_id, other, count)
                for other, count in sorted(votes[mal_id], key=lambda pair: -pair[1])
            ]
        )
        for mal_id in sorted(ids | set(votes))
    }


def run(
    connection: psycopg.Connection[Any], query: bytes, rows: Iterable[tuple[Any, ...]]
) -> tuple[float, int]:
    """Seconds, and rows written."""
    before = connection.execute(WRITES).fetchone()
    started = time.perf_counter()
    with connection.pipeline():
        for row in rows:
            connection.execute(query, row)
    seconds = time.perf_counter() - started
    connection.execute("SELECT pg_stat_force_next_flush()")
    after = connection.execute(WRITES).fetchone()
    assert before is not None and after is not None
    return seconds, int(after[0]) - int(before[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", action="store_true")
    with_documents = parser.parse_args().documents
    data = {m: text for m, text in lists().items() if text != "[]" or not with_documents}
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)
    try:
        with EmbeddedServer(folder / "data") as server:
            status = server.status()
            dsn = f"host={status.socket_dir} port={status.port} user=postgres dbname=postgres"
            migrations.deploy(dsn, verify=False)
            with psycopg.connect(dsn, autocommit=True) as connection:
                return measure(connection, data, with_documents)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(connection: psycopg.Connection[Any], data: dict[int, str], with_documents: bool) -> int:
    connection.execute("SET synchronous_commit = off")
    if with_documents:
        connection.execute(
            "SELECT jikan_sync.store_anime((SELECT jsonb_agg(jsonb_build_object("
            "'mal_id', m, 'title', 'Title ' || m)) FROM unnest(%s::integer[]) AS m))",
            [list(data)],
        )
        query = b"SELECT jikan_sync.store_facet('recommendations', %s, %s::json)"
        rows = [(m, f'{{"data": {text}}}') for m, text in data.items()]
    else:
        query = b"SELECT jikan_sync.store_recommendations(%s, %s::jsonb, now())"
        rows = list(data.items())
    first, written = run(connection, query, rows)
    again, rewritten = run(connection, query, rows)
    pairs = connection.execute("SELECT count(*) FROM jikan.recommendation").fetchone()
    assert pairs is not None
    sizes = dict(connection.execute(SIZES, [[*TYPED, "facet_document"]]).fetchall())
    typed = sum(float(sizes[name]) for name in TYPED)
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    print(f"{len(rows):,} lists, {pairs[0]:,} pairs")
    print(f"first: {first:.1f} s, {1000 * first / len(rows):.2f} ms a list, {written:,} rows")
    print(f"again: {again:.1f} s, {1000 * again / len(rows):.2f} ms a list, {rewritten:,} rows")
    print(f"pairs and lists with their indexes: {typed:.1f} MB (limit {LIMIT_MB})")
    if with_documents:
        print(f"documents as received: {float(sizes['facet_document']):.1f} MB")
    return 0 if typed < LIMIT_MB and rewritten == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
