"""How fast recommendations are beside a bare pgvector query and numpy, at one and at many sizes.

Loads the catalogue, its vectors and its votes into a throw-away server, as a mirror at rest has
them: the neighbours of the titles that are asked about are kept, all titles are placed. Then it
times `anime.similar` and `anime.recommend` of five liked titles, with and without a filter that
about 3 % of titles pass. A larger size adds copies with other ids whose vectors are blends of two,
and times all again.

    python bench/recommend.py                 # 27,631 titles
    python bench/recommend.py --times 16      # and 442,096
    python bench/recommend.py --json          # and what is required, with what was measured
    python bench/recommend.py --table         # ten well-known titles, into docs/ (by make docs)

It ends with 1 when something required is not met.
How right they are is measured by ../shared/tools/recommend_eval.py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from pgjikan import migrations
from pgjikan.embedders.local import LocalEmbedder
from pgjikan.server import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
PAGE = ROOT / "docs/explanation/recommendations.md"
BEGIN, END = "<!-- ten titles: made by make docs -->\n", "<!-- end of the ten titles -->\n"
Connection = psycopg.Connection[Any]
WELL_KNOWN = (1, 20, 30, 199, 1535, 4224, 5114, 9253, 16498, 32281)
FILTER = ", year_from => 1999, year_to => 2000"
WITH_FILTER = ", 3 % filter"
BARE_NAME = "bare pgvector query, exact"
# Of p50, times the bare query; of p99, milliseconds; with a filter the same.
LIMITS = {"similar": (0.2, 10), "recommend of 5": (0.4, 20)}
# Of p50 and of p99, times those of one catalogue.
GROWTH = (1.5, 3)
BARE = """
    SELECT e.anime_id FROM jikan.embedding_1 AS e
    ORDER BY e.embedding <#> (
        SELECT p.embedding FROM jikan.embedding_1 AS p
        JOIN jikan.anime AS a ON a.id = p.anime_id WHERE a.mal_id = %s
    ) LIMIT 10
"""
COPIES = """
    INSERT INTO jikan.anime (
        mal_id, titles, title, type, status, source, year, season, score, members, favorites,
        rating, genre_names, studio_names, core_hash, last_jikan_sync, sync_status
    )
    SELECT
        %(number)s * 1000000 + mal_id, titles, title || repeat(' x', %(number)s), type, status,
        source, year, season, score, members, favorites, rating, genre_names, studio_names, 0,
        last_jikan_sync, 'fresh'
    FROM jikan.anime WHERE mal_id < 1000000
"""
BLENDS = """
    WITH original AS MATERIALIZED (
        SELECT
            e.embedding, a.mal_id, row_number() OVER (ORDER BY a.id) AS place,
            count(*) OVER () AS count
        FROM jikan.embedding_1 AS e JOIN jikan.anime AS a ON a.id = e.anime_id
        WHERE a.mal_id < 1000000
    )
    INSERT INTO jikan.embedding_1 (model_id, anime_id, input_hash, embedding)
    SELECT 1, a.id, a.embedding_hash, l2_normalize(o.embedding + o.embedding + p.embedding)
    FROM original AS o
    JOIN original AS p ON p.place = 1 + (o.place + %(number)s * 997) %% o.count
    JOIN jikan.anime AS a ON a.mal_id = %(number)s * 1000000 + o.mal_id
"""


def load(connection: Connection) -> None:
    """The catalogue through store_anime, its vectors by the local model."""
    tool = [sys.executable, str(SHARED / "tools" / "catalogue_to_jikan.py")]
    lines = subprocess.run(tool, capture_output=True, text=True, check=True).stdout.splitlines()
    for start in range(0, len(lines), 1000):
        batch = "[" + ",".join(lines[start : start + 1000]) + "]"
        connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [batch])
    rows = connection.execute(
        "SELECT a.id, a.embedding_hash::text, jikan_sync.embedding_input(a)"
        " FROM jikan.anime AS a ORDER BY a.id"
    ).fetchall()
    vectors = cached_vectors([row[2] for row in rows])
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY jikan.embedding_1 (model_id, anime_id, input_hash, embedding) FROM STDIN"
        ) as copy,
    ):
        for (id_, text_hash, _), vector in zip(rows, vectors, strict=True):
            copy.write_row((1, id_, text_hash, "[" + ",".join(f"{v:.5g}" for v in vector) + "]"))
    # Before there are copies: what they copy is as rare among them, and they are many to write.
    connection.execute("SELECT jikan_sync.count_traits(NULL)")


def grow(connection: Connection, times: int) -> None:
    """Copies, until there are so many times the catalogue."""
    connection.execute("SET session_replication_role = replica")
    for number in range(1, times):
        connection.execute(COPIES.encode(), {"number": number})
        connection.execute(BLENDS.encode(), {"number": number})
    connection.execute("RESET session_replication_role")
    connection.execute(
        "SELECT jikan_sync.write_profiles(array_agg(id)) FROM jikan.anime"
        " WHERE mal_id > 1000000 GROUP BY id / 10000"
    )


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


def load_votes(connection: Connection) -> None:
    """Users' recommendations of ../shared as the documents that an upstream sends."""
    lists: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for line in (SHARED / "recommend/votes.jsonl").read_text().splitlines():
        pair = json.loads(line)
        lists[pair["a"]].append((pair["b"], pair["votes"]))
        lists[pair["b"]].append((pair["a"], pair["votes"]))
    for mal_id, others in lists.items():
        data = [{"entry": {"mal_id": other}, "votes": votes} for other, votes in others]
        connection.execute(
            "SELECT jikan_sync.store_recommendations(%s, %s::jsonb, now())",
            [mal_id, json.dumps(data)],
        )


def keep_neighbours(connection: Connection, mal_ids: Iterable[int]) -> None:
    """As the job leaves them: these have their neighbours, and all titles are placed."""
    ids = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM jikan.anime WHERE mal_id = ANY (%s) ORDER BY id", [list(mal_ids)]
        ).fetchall()
    ]
    started = time.perf_counter()
    for start in range(0, len(ids), 50):
        connection.execute(
            "SELECT jikan_sync.write_neighbours(%s::bigint[])", [ids[start : start + 50]]
        )
    spent = (time.perf_counter() - started) * 1000 / len(ids)
    print(f"neighbours of {len(ids)} titles: {spent:.1f} ms each")
    connection.execute("TRUNCATE jikan_sync.neighbour_wish, jikan_sync.newcomer")
    connection.execute("VACUUM (ANALYZE)")


def timed(call: Callable[[Any], Any], arguments: Iterable[Any]) -> tuple[float, float]:
    """Milliseconds, p50 and p99."""
    spent = []
    for argument in arguments:
        start = time.perf_counter()
        call(argument)
        spent.append((time.perf_counter() - start) * 1000)
    return float(np.percentile(spent, 50)), float(np.percentile(spent, 99))


def measure(connection: Connection, samples: int) -> dict[str, tuple[float, float, int]]:
    """Of each kind of call p50, p99 and the fewest rows."""
    rows = connection.execute(
        "SELECT a.mal_id, e.embedding::text FROM jikan.anime AS a"
        " JOIN jikan.embedding_1 AS e ON e.anime_id = a.id"
    ).fetchall()
    matrix = np.array([np.fromstring(row[1][1:-1], sep=",") for row in rows], dtype=np.float32)
    position = {row[0]: place for place, row in enumerate(rows)}
    popular = [
        row[0]
        for row in connection.execute(
            "SELECT mal_id FROM jikan.anime WHERE mal_id < 1000000 AND NOT is_nsfw"
            " ORDER BY members DESC NULLS LAST LIMIT 5000"
        ).fetchall()
    ]
    asked = [int(mal_id) for mal_id in np.random.default_rng(1).choice(popular, samples)]
    tastes = [asked[start : start + 5] for start in range(0, samples - 4)]
    keep_neighbours(connection, set(asked))
    print(
        f"{len(rows):,} titles, {samples} calls each\n{'':36}{'p50 ms':>9}{'p99 ms':>9}{'rows':>6}"
    )
    found = {}

    def run(query: str) -> Callable[[Any], list[Any]]:
        return lambda value: connection.execute(query.encode(), [value], prepare=True).fetchall()

    def report(name: str, call: Callable[[Any], list[Any]], values: list[Any]) -> None:
        fewest = min(len(call(value)) for value in values)
        p50, p99 = timed(call, values)
        print(f"{name:36}{p50:9.2f}{p99:9.2f}{fewest:6}", flush=True)
        found[name] = (p50, p99, fewest)

    def by_numpy(mal_id: int) -> list[Any]:
        return list(np.argpartition(-(matrix @ matrix[position[mal_id]]), 10)[:10])

    report("numpy, brute force", by_numpy, asked)
    report(BARE_NAME, run(BARE), asked)
    for name, call, values in (
        ("similar", "similar", asked),
        ("recommend of 5", "recommend", tastes),
    ):
        for end, filters in (("", ""), (WITH_FILTER, FILTER)):
            report(name + end, run(f"SELECT mal_id FROM anime.{call}(%s{filters})"), values)
    return found


def judge(
    found: dict[str, tuple[float, float, int]],
    before: dict[str, tuple[float, float, int]] | None = None,
) -> dict[str, dict[str, Any]]:
    """What is required of one catalogue, or of a larger one beside what was found `before`."""
    required: dict[str, tuple[float, float]] = {}
    for name, (share, most) in LIMITS.items():
        for label in (name, name + WITH_FILTER):
            p50, p99, rows = found[label]
            if before is None:
                required[f"{label}: p50, times the bare query"] = (share, p50 / found[BARE_NAME][0])
                required[f"{label}: p99, ms"] = (most, p99)
            else:
                for limit, number, one, many in zip(
                    GROWTH, ("p50", "p99"), before[label][:2], (p50, p99), strict=True
                ):
                    required[f"{label}: {number}, times one catalogue's"] = (limit, many / one)
            required[f"{label}: rows missing of 10"] = (0, 10 - rows)
    return {
        name: {"at most": bound, "measured": round(got, 3), "met": got <= bound}
        for name, (bound, got) in required.items()
    }


def ten_titles(connection: Connection) -> list[tuple[str, str]]:
    """Ten well-known titles, and the six that go with each."""
    found = []
    for mal_id in WELL_KNOWN:
        row = connection.execute(
            "SELECT coalesce(title_english, title) FROM jikan.anime WHERE mal_id = %s", [mal_id]
        ).fetchone()
        assert row is not None
        rows = connection.execute(
            "SELECT coalesce(title_english, title) FROM anime.similar(%s, 6)", [mal_id]
        ).fetchall()
        found.append((row[0], "; ".join(name for (name,) in rows)))
    return found


def write_table(connection: Connection) -> None:
    """Ten well-known titles with and without votes, between the marks of the page."""
    keep_neighbours(connection, WELL_KNOWN)
    without = ten_titles(connection)
    load_votes(connection)
    keep_neighbours(connection, WELL_KNOWN)
    lines = ["| title | with votes | without |", "|---|---|---|"]
    lines += [
        f"| {title} | {voted} | {alike} |"
        for (title, voted), (_, alike) in zip(ten_titles(connection), without, strict=True)
    ]
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=1, help="times the catalogue")
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--table", action="store_true", help="write the ten titles into docs/")
    parser.add_argument("--json", action="store_true", help="print what is required and was met")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pgjikan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs under its own account
        options = {"fsync": "off", "shared_buffers": "1GB", "max_wal_size": "8GB"}
        with EmbeddedServer(folder / "data", options=options) as server:
            migrations.deploy(server.dsn())
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                load(connection)
                if arguments.table:
                    write_table(connection)
                    return 0
                load_votes(connection)
                found = measure(connection, arguments.samples)
                required = judge(found)
                if arguments.times > 1:
                    grow(connection, arguments.times)
                    larger = judge(measure(connection, arguments.samples), found)
                    required |= {f"{arguments.times} times: {k}": v for k, v in larger.items()}
    if arguments.json:
        print(json.dumps({"requirements": required}, indent=1))
    missed = [name for name, one in required.items() if not one["met"]]
    for name in missed:
        print(f"not met: {name}: {required[name]}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
