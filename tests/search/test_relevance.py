"""The query set of ../shared on the part of the real catalogue that it is about.

`bench/search.py` measures it on all of the catalogue; this keeps a change from losing it unnoticed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.search.conftest import Search

POPULAR = 2000


def test_the_query_set(
    shared: Path, connect: Callable[..., psycopg.Connection[Any]], search: Search
) -> None:
    queries = [
        json.loads(line) for line in (shared / "search-eval/dev.jsonl").read_text().splitlines()
    ]
    expected = {mal_id for query in queries for mal_id in query["expect"]}
    tool = (sys.executable, str(shared / "tools/catalogue_to_jikan.py"), "--popular")
    printed = subprocess.run(tool, check=True, capture_output=True, text=True).stdout
    documents = [
        line
        for place, line in enumerate(printed.rstrip("\n").split("\n"))
        if place < POPULAR or json.loads(line)["mal_id"] in expected
    ]
    connection = connect()
    for place in range(0, len(documents), 500):
        batch = f"[{','.join(documents[place : place + 500])}]"
        connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [batch])

    first: dict[str, list[bool]] = defaultdict(list)
    among_five, missed = [], []
    for query in queries:
        hits = search(query["q"])
        if query["category"] == "negative":
            missed.append(not any(hit[4] for hit in hits))
        elif query["derivable"]:
            ids = [hit[0] for hit in hits]
            first[query["category"]].append(bool(set(ids[:1]) & set(query["expect"])))
            among_five.append(bool(set(ids[:5]) & set(query["expect"])))

    shares = {category: sum(right) / len(right) for category, right in first.items()}
    assert min(shares.values()) >= 0.85, shares
    assert sum(map(sum, first.values())) / sum(map(len, first.values())) >= 0.95
    assert sum(among_five) / len(among_five) >= 0.985
    assert sum(missed) / len(missed) >= 0.90
