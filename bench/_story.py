"""The words' leg of search_semantic for `bench/models.py`, by the database's own functions."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from pgjikan import migrations
from pgjikan.server import EmbeddedServer

STORIES = """
    WITH word AS (
        SELECT s.place, w.word, w.lexeme, w.uses, sum(w.uses) OVER (PARTITION BY s.place) AS length
        FROM unnest(%s::text[]) WITH ORDINALITY AS s (synopsis, place)
        CROSS JOIN LATERAL jikan_sync.story_words(regexp_replace(
            s.synopsis, '\\[Written by MAL Rewrite\\]|\\(Source:[^)]*\\)', '', 'g'
        )) AS w
        WHERE length(w.lexeme) BETWEEN 2 AND 50
    )
    SELECT
        w.place - 1, w.lexeme, jikan_sync.word_weight(sum(w.uses)::integer, min(w.length)),
        min(w.word) FILTER (WHERE w.word ~ '^[a-z]{3,}$')
    FROM word AS w
    GROUP BY w.place, w.lexeme"""
QUERY = """
    WITH word AS MATERIALIZED (SELECT w.word, w.lexeme FROM jikan_sync.story_words(%(query)s) AS w),
    told AS MATERIALIZED (
        SELECT jikan_sync.query_language(array_agg(w.word)) AS language FROM word AS w
    )
    SELECT
        w.word, w.lexeme, t.language = 'pg_catalog.english_stem'::regdictionary,
        w.word IN (SELECT f.word FROM jikan_sync.foreign_words(%(query)s) AS f)
    FROM word AS w
    CROSS JOIN told AS t
    WHERE NOT jikan_sync.is_little_word(w.word, t.language)"""

Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stories:
    """Synopses and queries, taken apart."""

    size: int
    titles: dict[str, NDArray[np.int64]]
    weights: dict[str, Shares]
    vocabulary: dict[str, str]
    queries: list[list[tuple[str, str | None, bool, bool]]]

    def foreign(self) -> list[str]:
        """Words of queries that a model has to read."""
        return sorted({word for query in self.queries for word, _, _, is_read in query if is_read})

    def shares(self, readings: dict[str, list[tuple[str, float]]]) -> Shares:
        """How well the words of each query fit each title, the best at 1 (as story_hits)."""
        told = np.zeros((len(self.queries), self.size))
        for row, query in enumerate(self.queries):
            terms: dict[str, list[tuple[str, float]]] = defaultdict(list)
            for word, lexeme, is_english, is_read in query:
                term = terms[(lexeme or word) if is_english else word]
                if lexeme:
                    term.append((lexeme, 1.0 if is_english and not is_read else 0.9))
                if is_read:
                    term += readings.get(word, [])
            for term in terms.values():
                best = np.zeros(self.size)
                for lexeme, gain in term:
                    if lexeme in self.titles:
                        count = len(self.titles[lexeme])
                        rarity = np.log(1 + max(self.size - count + 0.5, 0.5) / (count + 0.5))
                        at = self.titles[lexeme]
                        best[at] = np.maximum(best[at], gain * rarity * self.weights[lexeme])
                told[row] += best
        shares: Shares = told / np.maximum(told.max(1, keepdims=True), 1e-9)
        return shares


def read_stories(synopses: Sequence[str], queries: Sequence[str]) -> Stories:
    """Take them apart in a throw-away database."""
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)  # as root the server runs under its own account
    try:
        with EmbeddedServer(folder / "data") as server:
            migrations.deploy(server.dsn())
            with psycopg.connect(server.dsn()) as connection:
                rows = connection.execute(STORIES, [list(synopses)]).fetchall()
                asked = [connection.execute(QUERY, {"query": q}).fetchall() for q in queries]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    by_word: dict[str, list[tuple[int, float]]] = defaultdict(list)
    spelt: dict[str, str] = {}
    for place, lexeme, weight, word in rows:
        by_word[lexeme].append((place, weight))
        if word:
            spelt[lexeme] = min(word, spelt.get(lexeme, word))
    return Stories(
        size=len(synopses),
        titles={lexeme: np.array([at for at, _ in said]) for lexeme, said in by_word.items()},
        weights={lexeme: np.array([by for _, by in said]) for lexeme, said in by_word.items()},
        vocabulary={lexeme: word for lexeme, word in spelt.items() if len(by_word[lexeme]) >= 3},
        queries=asked,
    )
