#!/usr/bin/env python3
"""How fast documents become rows: `pgjikan load` beside what people write today, and the floor.

    .venv/bin/python bench/ingest.py [--json] [--rows N]

One embedded server with its defaults (fsync on), one run, the whole catalogue of ../shared:

* floor      COPY of the same JSON into one jsonb column: no column, no index, nothing derived
* client     a Python client that normalises each document and upserts row by row into the same
             main table and titles (what people write today), on a tenth of the rows, scaled
* load       `pgjikan load`, the command, start-up included, into the whole schema: typed columns,
             title index, embedding tasks
* again      the same file a second time
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pgjikan import migrations
from pgjikan.server import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
LOAD = (sys.executable, "-c", "from pgjikan.cli import main; main()", "load")

CLIENT_TABLES = """
CREATE TABLE anime (LIKE jikan.anime INCLUDING DEFAULTS INCLUDING INDEXES);
ALTER TABLE anime ALTER embedding_hash DROP NOT NULL, ALTER is_nsfw DROP NOT NULL,
    ALTER is_full DROP NOT NULL, ALTER core_hash DROP NOT NULL;
CREATE SEQUENCE anime_id;
ALTER TABLE anime ALTER id SET DEFAULT nextval('anime_id');
CREATE TABLE title (anime_id bigint, kind text, title text, PRIMARY KEY (anime_id, kind, title));
CREATE INDEX ON title USING gin (title gin_trgm_ops);
"""


def floor(dsn: str, lines: list[bytes]) -> float:
    """Seconds of a bare COPY into one jsonb column."""
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE floor (document jsonb)")
        connection.commit()
        started = time.perf_counter()
        with connection.cursor().copy("COPY floor FROM STDIN") as copy:
            for line in lines:
                copy.write(line.replace(b"\\", b"\\\\"))
        connection.commit()
        return time.perf_counter() - started


def client(dsn: str, lines: list[bytes]) -> float:
    """Seconds of a client that normalises and upserts row by row, a commit per document."""
    names = [
        *("mal_id", "url", "title", "title_english", "title_japanese", "title_synonyms", "type"),
        *("source", "episodes", "status", "airing", "duration", "rating", "score", "scored_by"),
        *("rank", "popularity", "members", "favorites", "synopsis", "background", "season", "year"),
    ]
    documents = ["images", "trailer", "titles", "aired", "broadcast", "producers", "licensors"]
    documents += ["studios", "genres", "explicit_genres", "themes", "demographics"]
    columns = [*names, *documents, "genre_names", "studio_names", "last_jikan_sync"]
    upsert = (
        f"INSERT INTO anime ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON CONFLICT (mal_id) DO UPDATE SET "
        f"{', '.join(f'{name} = excluded.{name}' for name in columns)} RETURNING id"
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(CLIENT_TABLES)
        started = time.perf_counter()
        for line in lines:
            document = json.loads(line)
            genres = [
                genre["name"].lower()
                for key in ("genres", "explicit_genres", "themes", "demographics")
                for genre in document[key]
            ]
            values: list[Any] = [document[name] for name in names]
            values += [Jsonb(document[name]) for name in documents]
            values += [genres, [studio["name"] for studio in document["studios"]], "2026-06-30"]
            with connection.transaction():
                row = connection.execute(upsert, values).fetchone()
                assert row is not None
                connection.execute("DELETE FROM title WHERE anime_id = %s", row)
                for title in document["titles"]:
                    connection.execute(
                        "INSERT INTO title VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                        (row[0], title["type"], title["title"]),
                    )
        return time.perf_counter() - started


def load(dsn: str, source: Path) -> tuple[float, dict[str, int], float]:
    """Seconds of the command, start-up included, what it counted, and its peak memory in MB."""
    started = time.perf_counter()
    command = subprocess.Popen(
        [*LOAD, str(source), "--json", "--dsn", dsn], stdout=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    counted = json.loads(command.stdout.read())
    _, _, used = os.wait4(command.pid, 0)
    return time.perf_counter() - started, counted, used.ru_maxrss / 1024


def main() -> None:
    """Run everything once and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=27_631)
    arguments = parser.parse_args()
    if not SHARED.exists():
        sys.exit(f"skipped: {SHARED} is missing, the catalogue is read from there")
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)
    try:
        printed = subprocess.run(
            [
                sys.executable,
                SHARED / "tools/catalogue_to_jikan.py",
                "--limit",
                str(arguments.rows),
            ],
            check=True,
            capture_output=True,
        ).stdout
        source = folder / "catalogue.jsonl"
        source.write_bytes(printed)
        lines = printed.splitlines(keepends=True)
        with EmbeddedServer(folder / "data") as server:
            dsn = server.dsn()
            migrations.deploy(dsn, verify=False)
            with psycopg.connect(dsn) as connection:
                row = connection.execute("SELECT version()").fetchone()
                assert row is not None
                print(
                    f"{platform.machine()}, {platform.python_version()}, {row[0].split(' on ')[0]}"
                )
            measured_floor = floor(dsn, lines)
            measured_client = client(dsn, lines[::10]) * len(lines) / len(lines[::10])
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("CHECKPOINT")
            measured_load, counts, peak = load(dsn, source)
            measured_again, again, _ = load(dsn, source)
        print(f"{len(lines)} documents, {len(printed) / 1e6:.0f} MB of JSON")
        table = (
            ("floor: COPY into jsonb", measured_floor),
            ("client: row by row", measured_client),
            ("pgjikan load", measured_load),
            ("pgjikan load, again", measured_again),
        )
        for name, seconds in table:
            print(
                f"{name:24} {seconds:8.2f} s {len(lines) / seconds:9.0f} documents/s "
                f"{seconds / measured_floor:6.1f} x floor"
            )
        print(f"first: {counts}  again: {again}  peak memory of the command: {peak:.0f} MB")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    requirements = {
        "times faster than a row-by-row client": (6, measured_client / measured_load, True),
        "times the floor": (5, measured_load / measured_floor, False),
        "rows written by the second load": (0, again["inserted"] + again["updated"], False),
        "second load, share of the first": (0.5, measured_again / measured_load, False),
        "peak memory, MB": (200, peak, False),
    }
    if arguments.json:
        print(
            json.dumps(
                {
                    "requirements": {
                        name: {
                            "required": required,
                            "measured": round(measured, 3),
                            "met": measured >= required if at_least else measured <= required,
                        }
                        for name, (required, measured, at_least) in requirements.items()
                    }
                }
            )
        )


if __name__ == "__main__":
    main()
