"""The systems that bench/search.py compares with, each behind one call: query in, ids out.

Every one gets the same titles and popularity, and the options its own guide gives for search as
you type. What needs a download is installed into .cache/search-peers.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "search-peers"
Hits = list[tuple[int, float]]
Ask = Callable[[str], Hits]


@dataclass
class Peer:
    """What a system answered: hits of each query, milliseconds, and what its index cost."""

    name: str
    answers: list[Hits] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    build_seconds: float = 0
    index_bytes: int = 0


def run(name: str, ask: Ask, queries: list[str], rounds: int) -> Peer:
    """Ask every query `rounds` times, the first to warm up, and keep times and answers."""
    peer = Peer(name)
    for round_number in range(rounds):
        for query in queries:
            started = time.perf_counter()
            hits = ask(query)
            if round_number:
                peer.times.append((time.perf_counter() - started) * 1000)
            else:
                peer.answers.append(hits)
    return peer


def distinct(rows: list[tuple[int, float]]) -> Hits:
    """The first 10 different ids, with the score each came with."""
    return list({mal_id: (mal_id, float(score)) for mal_id, score in reversed(rows)}.values())[
        ::-1
    ][:10]


POSTGRES = {
    "ILIKE": (
        "",
        """
        SELECT mal_id, 1.0 FROM peer.anime
        WHERE title ILIKE %(like)s OR title_english ILIKE %(like)s
            OR title_japanese ILIKE %(like)s OR synonyms ILIKE %(like)s
        ORDER BY members DESC NULLS LAST LIMIT 10
        """,
    ),
    "pg_trgm": (
        "CREATE INDEX peer_trgm ON peer.title USING gin (title gin_trgm_ops)",
        """
        SELECT
            mal_id,
            greatest(similarity(title, %(query)s), 0.9 * word_similarity(%(query)s, title))
            + 0.06 * ln(1 + coalesce(members, 0)) AS score
        FROM peer.title WHERE title %% %(query)s OR %(query)s <%% title
        ORDER BY score DESC LIMIT 50
        """,
    ),
    "full text": (
        "CREATE INDEX peer_fts ON peer.anime USING gin (to_tsvector('simple', titles))",
        """
        SELECT mal_id, ts_rank(to_tsvector('simple', titles), to_tsquery('simple', %(words)s))
        FROM peer.anime WHERE to_tsvector('simple', titles) @@ to_tsquery('simple', %(words)s)
        ORDER BY members DESC NULLS LAST LIMIT 10
        """,
    ),
}
PEER_TABLES = """
CREATE SCHEMA peer;
CREATE TABLE peer.anime AS
SELECT a.mal_id, a.title, a.title_english, a.title_japanese, a.members,
    array_to_string(a.title_synonyms, ' ') AS synonyms,
    (SELECT string_agg(t ->> 'title', ' ') FROM jsonb_array_elements(a.titles) AS t) AS titles
FROM jikan.anime AS a;
CREATE TABLE peer.title AS
SELECT DISTINCT a.mal_id, t ->> 'title' AS title, a.members
FROM jikan.anime AS a, jsonb_array_elements(a.titles) AS t;
ANALYZE peer.anime; ANALYZE peer.title;
"""


def postgres(dsn: str, queries: list[str], rounds: int) -> list[Peer]:
    """What people write in PostgreSQL today."""
    peers = []
    with (
        psycopg.connect(dsn, autocommit=True) as connection,
        connection.cursor(binary=True) as cursor,
    ):
        connection.execute(PEER_TABLES)
        for name, (index, statement) in POSTGRES.items():
            started = time.perf_counter()
            if index:
                connection.execute(index)
            seconds = time.perf_counter() - started

            def ask(query: str, statement: str = statement) -> Hits:
                words = [word + ":*" for word in re.findall(r"\w+", query)]
                like = "%" + re.sub(r"([\\%_])", r"\\\1", query) + "%"
                rows = cursor.execute(
                    statement,
                    {"query": query, "like": like, "words": " & ".join(words)},
                    prepare=True,
                )
                return distinct(rows.fetchall())

            peer = run(name, ask, queries, rounds)
            peer.build_seconds = seconds
            if index:
                size = connection.execute(
                    "SELECT pg_relation_size(%s)", ["peer." + index.split()[2]]
                ).fetchone()
                peer.index_bytes = size[0] if size else 0
            peers.append(peer)
        connection.execute("DROP SCHEMA peer CASCADE")
    return peers


def sqlite(documents: list[dict[str, Any]], queries: list[str], rounds: int) -> Peer:
    """SQLite FTS5 with its trigram tokenizer: all words, by popularity."""
    started = time.perf_counter()
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE anime USING fts5(titles, tokenize = 'trigram')")
    database.execute("CREATE TABLE popularity (id INTEGER PRIMARY KEY, mal_id INT, members INT)")
    for each in documents:
        row = (each["id"], each["titles"])
        database.execute("INSERT INTO anime (rowid, titles) VALUES (?, ?)", row)
        popularity = (each["id"], each["anime"], each["members"] or 0)
        database.execute("INSERT INTO popularity VALUES (?, ?, ?)", popularity)
    seconds = time.perf_counter() - started

    def ask(query: str) -> Hits:
        words = [word for word in re.findall(r"\w+", query) if len(word) > 2]
        if not words:
            return []
        rows = database.execute(
            "SELECT mal_id, members FROM anime JOIN popularity ON id = anime.rowid "
            "WHERE anime MATCH ? ORDER BY members DESC LIMIT 50",
            [" AND ".join(f'"{word}"' for word in words)],
        )
        return distinct([(mal_id, 1.0) for mal_id, _members in rows])

    peer = run("SQLite FTS5 trigram", ask, queries, rounds)
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    peer.index_bytes = pages * database.execute("PRAGMA page_size").fetchone()[0]
    peer.build_seconds = seconds
    return peer


def tantivy(documents: list[dict[str, Any]], queries: list[str], rounds: int) -> Peer:
    """tantivy: every word within one edit or as a prefix, score times popularity."""
    folder = CACHE / "python"
    if not (folder / "tantivy").exists():
        pip = (sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), "tantivy")
        subprocess.run(pip, check=True)
    sys.path.insert(0, str(folder))
    import tantivy as engine  # type: ignore[import-not-found]

    started = time.perf_counter()
    builder = engine.SchemaBuilder()
    builder.add_integer_field("anime", stored=True)
    builder.add_integer_field("members", stored=True)
    builder.add_text_field("titles")
    schema = builder.build()
    index = engine.Index(schema)
    writer = index.writer(heap_size=100_000_000)
    for each in documents:
        writer.add_document(
            engine.Document(
                anime=each["anime"], members=each["members"] or 0, titles=each["titles"]
            )
        )
    writer.commit()
    index.reload()
    searcher = index.searcher()
    seconds = time.perf_counter() - started

    def ask(query: str) -> Hits:
        words = re.findall(r"\w+", query.lower())
        if not words:
            return []
        clauses = []
        for word in words:
            exact = engine.Query.term_query(schema, "titles", word)
            near = engine.Query.fuzzy_term_query(
                schema, "titles", word, distance=1 if len(word) > 3 else 0, prefix=True
            )
            either = engine.Query.boolean_query(
                [(engine.Occur.Should, exact), (engine.Occur.Should, near)]
            )
            clauses.append((engine.Occur.Must, either))
        found = searcher.search(engine.Query.boolean_query(clauses), 100).hits
        rows = []
        for score, address in found:
            document = searcher.doc(address)
            boost = 1 + math.log10(1 + document.get_first("members"))
            rows.append((document.get_first("anime"), score * boost))
        return distinct(sorted(rows, key=lambda row: -row[1]))

    peer = run("tantivy fuzzy", ask, queries, rounds)
    peer.build_seconds = seconds
    peer.index_bytes = 0
    return peer


def node(name: str, documents: list[dict[str, Any]], queries: list[str], rounds: int) -> Peer:
    """MiniSearch or Orama, in a Node process of its own; the time is taken inside it."""
    script = CACHE / "search.mjs"
    if not (CACHE / "node_modules").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        packages = ("minisearch", "@orama/orama")
        subprocess.run(
            ("npm", "install", "--silent", "--no-fund", "--no-audit", *packages),
            cwd=CACHE,
            check=True,
        )
    script.write_text((Path(__file__).parent / "search.mjs").read_text())
    asked = {"documents": documents, "queries": queries, "rounds": rounds}
    answer = subprocess.run(
        ("node", str(script), name.lower()),
        input=json.dumps(asked),
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    measured = json.loads(answer)
    return Peer(
        name,
        [distinct([(mal_id, score) for mal_id, score in hits]) for hits in measured["answers"]],
        measured["times"],
        measured["seconds"],
        measured["bytes"],
    )
