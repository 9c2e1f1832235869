"""How many upstream requests does it take to keep every read within the policy for a month?

The clock that all rules read is set forward half an hour at a time for 30 days over a mirror of the
catalogue's 27,631 titles (statuses and popularity as in the catalogue, ages spread as after a long
run). At every step the jobs tick, a stand-in for the upstream answers what the queue asks for (a
list page vouches for its 25 titles, /full for one), and readers look at titles by Zipf's law. All
decisions are the database's own. Beside it the naive plan: one call for each title that goes stale.

    python bench/freshness.py        # two to four minutes
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

from pgjikan import migrations
from pgjikan.server import EmbeddedServer

CATALOGUE = Path(__file__).parents[2] / "shared" / "jikan" / "catalogue" / "anime-merged.jsonl.gz"
AIRING = "Currently Airing"
DAYS = 30
STEPS_A_DAY = 48
PAGE = 25
PER_MINUTE = 60
STATUS_VIEWS = ["facet", "queue", "throughput", "embedding", "job"]


class Mirror:
    """The database, and an upstream that answers at once but no more than it allows."""

    def __init__(self, connection: psycopg.Connection[Any], titles: list[dict[str, Any]]) -> None:
        self.connection = connection
        self.requests: Counter[str] = Counter()
        ids = sorted(title["mal_id"] for title in titles)
        airing = sorted(title["mal_id"] for title in titles if title.get("status") == AIRING)
        recent = [t["mal_id"] for t in titles if t.get("status") == AIRING and t.get("season")]
        self.lists = {"catalogue": ids, "airing": airing, "now": recent}

    def one(self, query: str, *values: Any) -> Any:
        row = self.connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def load(self, titles: list[dict[str, Any]], start: str, rng: random.Random) -> None:
        self.one("SELECT jikan_sync.clock_set(%s)", start)
        with self.connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE given (mal_id int, status text, age interval)")
            with cursor.copy("COPY given FROM STDIN") as copy:
                for title in titles:
                    most = 12 * 3600 if title.get("status") == AIRING else 30 * 86400
                    age = f"{rng.random() * most:.0f} seconds"
                    copy.write_row([title["mal_id"], title.get("status"), age])
            cursor.execute(
                "INSERT INTO jikan.anime (mal_id, titles, title, core_hash, status, sync_status,"
                " last_jikan_sync) SELECT mal_id, '[]', 'Title ' || mal_id, 0, status, 'fresh',"
                " jikan_sync.clock_now() - age FROM given"
            )
            cursor.execute("TRUNCATE jikan_sync.queue")
            cursor.execute("VACUUM ANALYZE jikan.anime")
            cursor.execute(
                "UPDATE jikan_sync.job SET enabled = false"
                " WHERE command LIKE '%embedding%' OR command LIKE '%recall%'"
                " OR command LIKE '%vector%' OR command LIKE '%neighbour%'"
                " OR command LIKE '%trait%'"
            )

    def answer(self, most: int) -> None:
        """Do what the queue asks for, up to so many requests."""
        done = 0
        while done < most:
            tasks = self.connection.execute(
                "SELECT id, lease_token, task, mal_id, payload"
                " FROM jikan_sync.claim('bench', 'jikan', 50)"
            ).fetchall()
            if not tasks:
                return
            for _, _, task, mal_id, payload in tasks:
                if task == "anime":
                    self.vouch([mal_id])
                elif task in ("season", "catalogue"):
                    self.page(task, payload)
                self.requests[payload.get("season", task)] += 1
            self.one(
                "SELECT jikan_sync.complete_many(%s, %s)",
                [task[0] for task in tasks],
                [task[1] for task in tasks],
            )
            done += len(tasks)

    def page(self, task: str, payload: dict[str, Any]) -> None:
        listed = self.lists.get(payload.get("season", task), [])
        first = (payload["page"] - 1) * PAGE
        self.vouch(listed[first : first + PAGE])
        pagination = {
            "has_next_page": first + PAGE < len(listed),
            "items": {"total": len(listed), "count": PAGE, "per_page": PAGE},
        }
        self.one(
            "SELECT jikan_sync.advance_sync_run(%s, %s, %s)",
            psycopg.types.json.Jsonb(payload),
            psycopg.types.json.Jsonb(pagination),
            listed[first : first + PAGE],
        )

    def vouch(self, mal_ids: list[int]) -> None:
        self.connection.execute(
            "UPDATE jikan.anime SET last_jikan_sync = jikan_sync.clock_now(), sync_status = 'fresh'"
            " WHERE mal_id = ANY(%s)",
            [mal_ids],
        )

    def read(self, mal_ids: list[int]) -> int:
        """Look at titles as anime.search does; return how many were stale."""
        return int(
            self.one(
                "WITH counted AS MATERIALIZED ("
                "SELECT a.status, a.last_jikan_sync, jikan_sync.count_hit(a.id)"
                " FROM unnest(%s::int[]) AS r (mal_id) JOIN jikan.anime AS a USING (mal_id))"
                " SELECT count(*) FILTER (WHERE"
                " jikan_sync.is_stale('core', c.status, c.last_jikan_sync)) FROM counted AS c",
                mal_ids,
            )
        )

    def naive(self) -> int:
        """Calls of a month, one for each time a title reaches its age."""
        return int(
            self.one(
                "SELECT sum(floor(extract(epoch FROM jikan_sync.clock_now() - a.last_jikan_sync"
                " + %s * interval '1 day')"
                " / extract(epoch FROM jikan_sync.max_age('core', a.status))))"
                " FROM jikan.anime AS a",
                DAYS,
            )
        )


def simulate(mirror: Mirror, by_popularity: list[int], reads: int, rng: random.Random) -> int:
    weights = [1 / rank for rank in range(1, len(by_popularity) + 1)]
    stale = 0
    for step in range(DAYS * STEPS_A_DAY):
        mirror.one("SELECT jikan_sync.clock_advance('30 minutes')")
        mirror.one("SELECT jikan_sync.tick()")
        mirror.answer(30 * PER_MINUTE)
        looked_at = rng.choices(by_popularity, weights, k=reads // STEPS_A_DAY)
        stale += mirror.read(looked_at)
        mirror.one(
            "SELECT sum(jikan_sync.request_refresh(ARRAY[r.mal_id]))"
            " FROM unnest(%s::int[]) AS r (mal_id)",
            looked_at,
        )
        if step % STEPS_A_DAY == 0:
            mirror.connection.execute("VACUUM")  # autovacuum's work: its clock is not ours
        if step % (5 * STEPS_A_DAY) == 0:
            print(f"day {step // STEPS_A_DAY}: {dict(mirror.requests)}, {stale} stale reads",
                  file=sys.stderr)  # fmt: skip
    return stale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--reads", type=int, default=9_600, help="reads a day")
    options = parser.parse_args()
    with gzip.open(CATALOGUE, "rt", encoding="utf-8") as lines:
        titles = [json.loads(line) for line in lines]
    titles.sort(key=lambda t: -(t.get("members_2022") or t.get("members_2020") or 0))
    rng = random.Random(1)
    started = time.time()
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)
    times: dict[str, float] = {}
    try:
        with EmbeddedServer(folder / "data", options={"fsync": "off"}) as server:
            migrations.deploy(server.dsn(), verify=False)
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                mirror = Mirror(connection, titles)
                mirror.load(titles, "2030-01-01 00:10:00Z", rng)
                naive = mirror.naive()
                by_popularity = [title["mal_id"] for title in titles]
                stale = simulate(mirror, by_popularity, options.reads, rng)
                connection.execute("VACUUM ANALYZE")
                for view in STATUS_VIEWS:
                    spent = []
                    for _ in range(7):
                        began = time.perf_counter()
                        connection.execute(f"SELECT * FROM jikan_sync.status_{view}").fetchall()
                        spent.append((time.perf_counter() - began) * 1000)
                    times[view] = min(spent)
                version = connection.info.server_version
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    requests = sum(mirror.requests.values())
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, PostgreSQL {version / 10000:.1f}")
    print(f"{time.time() - started:.0f} s for {DAYS} days of {len(titles):,} titles, ", end="")
    print(f"{len(mirror.lists['airing'])} of them airing, {options.reads:,} reads a day\n")
    print(f"{'naive: one call a stale title':32}{naive:>10,}")
    print(f"{'pgjikan':32}{requests:>10,}")
    for kind, count in mirror.requests.most_common():
        print(f"    {kind:28}{count:>10,}")
    print(f"{'reads of a stale core':32}{stale:>10,} of {options.reads * DAYS:,}")
    print("status views, best of 7, ms: " + ", ".join(f"{k} {v:.1f}" for k, v in times.items()))
    requirements = {
        "requests of the naive plan for one of ours": {
            "required": 10,
            "measured": round(naive / requests, 1),
            "met": naive >= 10 * requests,
        },
        "reads of a stale core": {"required": 0, "measured": stale, "met": stale == 0},
        "slowest status view, ms": {
            "required": 50,
            "measured": round(max(times.values()), 1),
            "met": max(times.values()) <= 50,
        },
    }
    for what, result in requirements.items():
        print(f"{'met ' if result['met'] else 'MISS'}  {what}: {result['measured']}")
    if options.json:
        print(json.dumps({"requirements": requirements}))


if __name__ == "__main__":
    main()
