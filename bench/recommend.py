"""How fast and how right recommendations are: at the catalogue's size, and at many times of it.

Loads the catalogue and its vectors into a throw-away server, then times `anime.similar` and
`anime.recommend`, with and without a filter that about 5 % of titles pass, beside a bare pgvector
query (no filters, franchises or details) and a brute force in numpy, and compares every answer's
neighbours with the exact ones. Larger sizes add blends of two vectors each; from
`vector_index_rows` on the HNSW index is built by its job.

    python bench/recommend.py                         # 27,631 titles
    python bench/recommend.py --times 16              # 442,096, with the index
    python bench/recommend.py --quality               # related titles found, beside two baselines
    python bench/recommend.py --table                 # ten well-known titles, for docs/
    python bench/recommend.py --json                  # times and quality, and what is required
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT / "sidecar")  # and not this folder, whose queue.py is not Python's

# ruff: noqa: E402
import argparse
import atexit
import gzip
import json
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import psycopg

from pgjikan import migrations
from pgjikan.embedders.local import LocalEmbedder
from pgjikan.server import EmbeddedServer

SHARED = ROOT.parent / "shared"
Connection = psycopg.Connection[Any]
WELL_KNOWN = {
    1: "Cowboy Bebop",
    20: "Naruto",
    30: "Neon Genesis Evangelion",
    199: "Spirited Away",
    1535: "Death Note",
    4224: "Toradora!",
    5114: "Fullmetal Alchemist: Brotherhood",
    9253: "Steins;Gate",
    16498: "Attack on Titan",
    32281: "Your Name.",
}
FILTER = "year_from => 2019, year_to => 2020"  # about one title in twenty
NEIGHBOURS = 10
Requirements = dict[str, tuple[float, float]]  # at least, measured


def load(connection: Connection, times: int) -> None:
    """The catalogue through store_anime, its vectors by the local model, then copies."""
    tool = [sys.executable, str(SHARED / "tools" / "catalogue_to_jikan.py")]
    lines = subprocess.run(tool, capture_output=True, text=True, check=True).stdout.splitlines()
    for start in range(0, len(lines), 1000):
        batch = "[" + ",".join(lines[start : start + 1000]) + "]"
        connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [batch])
    ids, texts = zip(
        *connection.execute(
            "SELECT a.id, jikan_sync.embedding_input(a) FROM jikan.anime AS a ORDER BY a.id"
        ).fetchall(),
        strict=True,
    )
    vectors = cached_vectors(list(texts))
    copy_vectors(connection, list(ids), vectors)
    # Copies are blends of two titles, so that neighbours differ; no trigger need run for them.
    connection.execute("SET session_replication_role = replica")
    for number in range(1, times):
        connection.execute(
            "INSERT INTO jikan.anime (mal_id, titles, title, type, status, year, season, score, "
            "members, rating, genre_names, core_hash, last_jikan_sync, sync_status) "
            "SELECT %s * 1000000 + mal_id, titles, title || %s, type, status, year, season, score, "
            "members, rating, genre_names, 0, last_jikan_sync, 'fresh' FROM jikan.anime "
            "WHERE mal_id < 1000000",
            [number, " x" * number],
        )
        connection.execute(
            "WITH original AS MATERIALIZED (SELECT e.embedding, a.mal_id, "
            "row_number() OVER (ORDER BY a.id) AS place, count(*) OVER () AS count "
            "FROM jikan.embedding_1 AS e JOIN jikan.anime AS a ON a.id = e.anime_id "
            "WHERE a.mal_id < 1000000) "
            "INSERT INTO jikan.embedding_1 (model_id, anime_id, input_hash, embedding) "
            "SELECT 1, a.id, a.embedding_hash, "
            "l2_normalize(o.embedding + o.embedding + p.embedding) FROM original AS o "
            "JOIN original AS p ON p.place = 1 + (o.place + %s * 997) %% o.count "
            "JOIN jikan.anime AS a ON a.mal_id = %s * 1000000 + o.mal_id",
            [number, number],
        )
    connection.execute("RESET session_replication_role")
    connection.execute("VACUUM (ANALYZE) jikan.anime, jikan.embedding_1")


def cached_vectors(texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Vectors of the texts, kept in the temp folder from run to run."""
    cache = Path(tempfile.gettempdir()) / "pgjikan-bench-vectors.npz"
    known: dict[str, Any] = {}
    if cache.exists():
        kept = np.load(cache)
        known = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))
    missing = sorted(set(texts) - set(known), key=len)
    embedder = LocalEmbedder()
    for start in range(0, len(missing), 64):
        batch = missing[start : start + 64]
        known |= zip(batch, embedder.embed(batch, purpose="document").vectors, strict=True)
    result = np.array([known[text] for text in texts], dtype=np.float32)
    if missing:
        np.savez(cache, texts=np.array(texts), vectors=result)
    return result


def copy_vectors(connection: Connection, ids: list[int], vectors: Iterable[Any]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY jikan.embedding_1 (model_id, anime_id, input_hash, embedding) FROM STDIN"
        ) as copy,
    ):
        hashes = dict(connection_hashes(connection.info.dsn, ids))
        for id_, vector in zip(ids, vectors, strict=True):
            text = "[" + ",".join(f"{value:.5g}" for value in vector) + "]"
            copy.write_row((1, id_, hashes[id_], text))


def connection_hashes(dsn: str, ids: list[int]) -> list[tuple[int, str]]:
    with psycopg.connect(dsn) as other:
        return other.execute(
            "SELECT id, embedding_hash::text FROM jikan.anime WHERE id BETWEEN %s AND %s",
            [min(ids), max(ids)],
        ).fetchall()


def timed(call: Callable[[Any], Any], arguments: Iterable[Any]) -> tuple[float, float]:
    """Milliseconds, p50 and p99."""
    spent = []
    for argument in arguments:
        start = time.perf_counter()
        call(argument)
        spent.append((time.perf_counter() - start) * 1000)
    return float(np.percentile(spent, 50)), float(np.percentile(spent, 99))


def measure(connection: Connection, samples: int) -> Requirements:
    rows = connection.execute(
        "SELECT a.mal_id, a.id, e.embedding::text, a.is_nsfw, a.year FROM jikan.anime AS a "
        "JOIN jikan.embedding_1 AS e ON e.anime_id = a.id"
    ).fetchall()
    matrix = np.array([np.fromstring(row[2][1:-1], sep=",") for row in rows], dtype=np.float32)
    mal_ids = np.array([row[0] for row in rows])
    eligible = {"": np.array([not row[3] for row in rows])}
    eligible[FILTER] = np.array([not r[3] and r[4] in (2019, 2020) for r in rows])
    popular = connection.execute(
        "SELECT mal_id FROM jikan.anime WHERE mal_id < 1000000 ORDER BY members DESC NULLS LAST "
        "LIMIT 5000"
    ).fetchall()
    probes = [int(p) for p in np.random.default_rng(1).choice([r[0] for r in popular], samples)]
    position = {int(mal_id): place for place, mal_id in enumerate(mal_ids)}
    print(
        f"{len(rows):,} titles, {samples} calls each; the filter passes "
        f"{eligible[FILTER].mean():.1%}; index: {index_state(connection)}"
    )
    print(f"{'':34}{'p50 ms':>9}{'p99 ms':>9}{'recall@10':>11}{'rows':>6}")

    def numpy_nearest(mal_id: int) -> Any:
        scores = matrix @ matrix[position[mal_id]]
        return np.argpartition(-scores, NEIGHBOURS)[:NEIGHBOURS]

    bare = (
        "SELECT e.anime_id FROM jikan.embedding_1 AS e ORDER BY e.embedding::halfvec(512) <#> "
        "(SELECT p.embedding FROM jikan.embedding_1 AS p JOIN jikan.anime AS a "
        "ON a.id = p.anime_id WHERE a.mal_id = %s)::halfvec(512) LIMIT 10"
    )
    report("numpy brute force", timed(numpy_nearest, probes))
    report("bare pgvector query", timed(lambda p: run(connection, bare, p), probes))
    tastes = [probes[start : start + 5] for start in range(0, samples, 5)]
    required: Requirements = {}
    for filters in ("", FILTER):
        extra = f", {filters}" if filters else ""
        name = " 5 % filter" if filters else ""
        similar = f"SELECT mal_id FROM anime.similar(%s{extra})"
        recommend = f"SELECT mal_id FROM anime.recommend(%s{extra})"
        share = recall(connection, matrix, mal_ids, position, eligible[filters], probes, extra)
        least = min(len(run(connection, similar, p)) for p in probes)
        report(f"similar{name}", timed(partial(run, connection, similar), probes), share, least)
        required[f"recall@10 of similar{name}"] = (0.99, share)
        required[f"rows of similar{name}, of 10 asked for"] = (10, least)
        least = min(len(run(connection, recommend, p)) for p in tastes)
        report(
            f"recommend of 5 liked{name}",
            timed(partial(run, connection, recommend), tastes),
            rows=least,
        )
        required[f"rows of recommend{name}, of 10 asked for"] = (10, least)
    return required


def recall(
    connection: Connection,
    matrix: Any,
    mal_ids: Any,
    position: dict[int, int],
    eligible: Any,
    probes: list[int],
    extra: str,
) -> float:
    """Share of the exact 10 nearest in the answer; franchises and credits are off."""
    connection.execute(
        "BEGIN; UPDATE jikan_sync.setting SET value = '0' WHERE name LIKE 'recommend\\_%\\_weight'"
    )
    query = f"SELECT mal_id FROM anime.similar(%s, with_franchise => true{extra})"
    shares = []
    for probe in probes:
        scores = np.where(eligible, matrix @ matrix[position[probe]], -9)
        scores[position[probe]] = -9
        # A tie with the tenth is as good as the tenth.
        tenth = np.sort(scores)[-NEIGHBOURS] - 1e-3
        found = [position[row[0]] for row in run(connection, query, probe)]
        shares.append(sum(scores[place] >= tenth for place in found) / NEIGHBOURS)
    connection.execute("ROLLBACK")
    return float(np.mean(shares))


def run(connection: Connection, query: str, argument: Any) -> list[Any]:
    return connection.execute(query.encode(), [argument]).fetchall()


def report(
    name: str, spent: tuple[float, float], recall: float | None = None, rows: int | None = None
) -> None:
    found = f"{recall:11.3f}" if recall is not None else " " * 11
    count = f"{rows:6}" if rows is not None else ""
    print(f"{name:34}{spent[0]:9.1f}{spent[1]:9.1f}{found}{count}", flush=True)


def index_state(connection: Connection) -> str:
    row = connection.execute("SELECT to_regclass('jikan.embedding_1_hnsw_idx')").fetchone()
    return "HNSW" if row and row[0] else "none, exact"


def quality(connection: Connection, samples: int) -> Requirements:
    """Related titles (kept out of the text) in the nearest 10 and 50, beside two baselines."""
    related: dict[int, set[int]] = defaultdict(set)
    catalogue = SHARED / "jikan" / "catalogue" / "anime-merged.jsonl.gz"
    with gzip.open(catalogue, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            related[row["mal_id"]] |= {other for other, _kind in row.get("related", [])}
    known = {row[0] for row in connection.execute("SELECT mal_id FROM jikan.anime").fetchall()}
    titles = sorted(mal_id for mal_id in related if mal_id in known and related[mal_id] & known)
    chosen = [int(t) for t in np.random.default_rng(2).choice(titles, samples, replace=False)]
    print(f"{samples} titles; share of their related titles found in the nearest")
    print(f"{'':24}{10:>8}{50:>8}")
    ways = {
        "genre overlap": (
            "SELECT b.mal_id FROM jikan.anime AS a JOIN jikan.anime AS b ON b.id <> a.id "
            "AND b.genre_names && a.genre_names WHERE a.mal_id = %s ORDER BY (SELECT count(*) "
            "FROM unnest(a.genre_names) AS g (n) WHERE g.n = ANY (b.genre_names))::real "
            "/ nullif(cardinality(a.genre_names) + cardinality(b.genre_names), 0) DESC LIMIT 50"
        ),
        "title trigrams": (
            "SELECT b.mal_id FROM jikan.anime AS a JOIN jikan.anime AS b ON b.id <> a.id "
            "WHERE a.mal_id = %s ORDER BY similarity(a.title, b.title) DESC LIMIT 50"
        ),
        "anime.similar": (
            "SELECT mal_id FROM anime.similar(%s, 50, with_franchise => true, nsfw => true)"
        ),
    }
    found_by: dict[str, Any] = {}
    for name, query in ways.items():
        shares = np.zeros(2)
        for mal_id in chosen:
            wanted = related[mal_id] & known
            found = [row[0] for row in run(connection, query, mal_id)]
            shares += [
                len(wanted & set(found[:10])) / len(wanted),
                len(wanted & set(found)) / len(wanted),
            ]
        print(f"{name:24}{shares[0] / samples:8.3f}{shares[1] / samples:8.3f}", flush=True)
        found_by[name] = shares
    ours = found_by.pop("anime.similar")
    best = np.maximum(*found_by.values())
    return {
        f"related titles in the top {size}, times the better baseline": (1.5, ours[i] / best[i])
        for i, size in enumerate((10, 50))
    }


def table(connection: Connection) -> None:
    """A markdown table of what ten well-known titles are like."""
    print("| title | most like it |\n|---|---|")
    for mal_id, title in WELL_KNOWN.items():
        rows = connection.execute(
            "SELECT coalesce(title_english, title) FROM anime.similar(%s, 6)", [mal_id]
        ).fetchall()
        print(f"| **{title}** | {'; '.join(row[0] for row in rows)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dsn", help="A database that is loaded already; it is only read.")
    arguments = parser.parse_args()
    if arguments.dsn:
        with psycopg.connect(arguments.dsn, autocommit=True) as connection:
            work(connection, arguments)
        return
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)  # as root the server runs under its own account
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    options = {"fsync": "off", "shared_buffers": "1GB", "max_wal_size": "8GB"}
    with EmbeddedServer(folder / "data", options=options) as server:
        migrations.deploy(server.dsn())
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            load(connection, arguments.times)
            start = time.perf_counter()
            done = connection.execute("SELECT jikan_sync.maintain_vector_index()").fetchone()
            print(
                f"maintain_vector_index: {done[0] if done else ''}, "
                f"{time.perf_counter() - start:.0f} s"
            )
            work(connection, arguments)


def work(connection: Connection, arguments: argparse.Namespace) -> None:
    required: Requirements = {}
    if arguments.table:
        table(connection)
    if not arguments.quality and not arguments.table:
        required |= measure(connection, arguments.samples)
    if arguments.quality or arguments.json:
        required |= quality(connection, arguments.samples)
    if arguments.json:
        print(
            json.dumps(
                {
                    "requirements": {
                        name: {
                            "required": bound,
                            "measured": round(float(measured), 4),
                            "met": bool(measured >= bound),
                        }
                        for name, (bound, measured) in required.items()
                    }
                }
            )
        )


if __name__ == "__main__":
    main()
