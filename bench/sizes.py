"""What the catalogue takes on disk, and what many times as many titles would.

    .venv/bin/python bench/sizes.py                 # as it is: a minute
    .venv/bin/python bench/sizes.py --growth 16 64  # half an hour and 20 GB of disk

The whole catalogue of ../shared, loaded as a user loads it, with a vector a title (512 dimensions,
at random). More titles are copies of the rows under other numbers, written past triggers and
foreign keys; their words repeat. Without what comes with time: neighbours, documents of facets,
reviews, history.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from pgjikan import migrations
from pgjikan.loader import load
from pgjikan.server import EmbeddedServer

SHARED = Path(__file__).resolve().parents[2] / "shared"
OPTIONS = {
    **{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
    **{"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "8GB"},
}
VECTORS = """
INSERT INTO jikan.embedding (model_id, anime_id, input_hash, embedding, embedded_at)
SELECT m.id, a.id, md5(a.id::text)::uuid, l2_normalize(
    ARRAY(SELECT random() - 0.5 FROM generate_series(1, 512 + (a.id * 0)::integer))::real[]::vector
)::halfvec(512), now()
FROM jikan.anime AS a
INNER JOIN jikan.embedding_model AS m ON m.status = 'active'
"""
#: Tables with a row or more a title.
TABLES = """
SELECT DISTINCT c.oid::regclass::text
FROM pg_class AS c
INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname IN ('anime_id', 'mal_id')
WHERE c.relkind = 'r' AND c.relnamespace IN ('jikan'::regnamespace, 'jikan_sync'::regnamespace)
    AND c.relname NOT LIKE '%queue%' AND c.relname NOT LIKE '%wish%'
    AND pg_relation_size(c.oid) > 8192
"""
COLUMNS = """
SELECT a.attname FROM pg_attribute AS a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
"""
#: How far the numbers of a copy are from those of the next.
APART = {"id": 1_000_000, "anime_id": 1_000_000, "mal_id": 1_000_000, "slot": 30_000}
SIZES = """
SELECT
    (SELECT count(*) FROM jikan.anime),
    pg_size_pretty(pg_database_size(current_database())),
    pg_size_pretty(sum(pg_indexes_size(c.oid)))
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace IN ('jikan'::regnamespace, 'jikan_sync'::regnamespace)
"""
LARGEST = """
SELECT c.oid::regclass::text, pg_size_pretty(pg_total_relation_size(c.oid))
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace IN ('jikan'::regnamespace, 'jikan_sync'::regnamespace)
ORDER BY pg_total_relation_size(c.oid) DESC LIMIT 6
"""


def show(connection: psycopg.Connection[Any], times: int) -> None:
    connection.execute("VACUUM ANALYZE")
    [(titles, whole, indexes)] = connection.execute(SIZES).fetchall()
    largest = ", ".join(" ".join(row) for row in connection.execute(LARGEST))
    print(f"{times} times: {titles} titles, {whole}, of which indexes {indexes}; {largest}")


def grow(connection: psycopg.Connection[Any], table: str, first: int, last: int) -> None:
    """Copies number `first` to `last` of what the table began with."""
    names = [row[0] for row in connection.execute(COLUMNS, [table])]
    values = [f"{name} + k * {APART[name]}" if name in APART else name for name in names]
    key = next(name for name in ("anime_id", "id", "mal_id") if name in names)
    query = (
        f"INSERT INTO {table} ({', '.join(names)}) OVERRIDING SYSTEM VALUE"
        f" SELECT {', '.join(values)} FROM {table}, generate_series({first}, {last}) AS k"
        f" WHERE {key} < {APART[key]}"
    )
    connection.execute(query.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--growth", type=int, nargs="*", default=[], help="times the catalogue")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)
    try:
        with EmbeddedServer(folder / "data", options=OPTIONS) as server:
            migrations.deploy(server.dsn(), verify=False)
            file = folder / "catalogue.jsonl"
            with file.open("w") as lines:
                tool = SHARED / "tools/catalogue_to_jikan.py"
                subprocess.run([sys.executable, tool], stdout=lines, check=True)
            load(server.dsn(), file)
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute("DELETE FROM jikan_sync.queue")
                connection.execute("SET session_replication_role = replica")
                connection.execute(VECTORS)
                show(connection, 1)
                tables = [row[0] for row in connection.execute(TABLES)]
                there = 1
                for times in sorted(given.growth):
                    for table in tables:
                        grow(connection, table, there, times - 1)
                    show(connection, times)
                    there = times
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
