"""Which input text makes the local model's neighbours agree best with MyAnimeList's own relations?

For every recipe the titles of a sample are embedded, and the share of related titles (the
catalogue's ``related`` field, which no recipe shows to the model) among the 10 and the 50 nearest
is counted, beside two baselines that need no model: overlap of genres (Jaccard) and trigrams of
the title (pg_trgm's rule). Franchise collapsing is off: a sequel is a hit.

    python bench/embedding_text.py --sample 5000            # the table
    python bench/embedding_text.py --sample 0 --only NAME   # one recipe on the whole catalogue
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent / "sidecar"))

from pgjikan.embedders.local import LocalEmbedder

Row = dict[str, Any]
CATALOGUE = Path(__file__).parents[2] / "shared" / "jikan" / "catalogue" / "anime-merged.jsonl.gz"
SMALL, LARGE = 10, 50


def read_catalogue() -> list[Row]:
    with gzip.open(CATALOGUE, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sample_franchises(rows: list[Row], size: int, seed: int) -> list[Row]:
    """Whole franchises up to half the sample, then rows without relations: links stay in."""
    by_id = {row["mal_id"]: row for row in rows}
    neighbours: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        for other, _kind in row.get("related", []):
            if other in by_id:
                neighbours[row["mal_id"]].add(other)
                neighbours[other].add(row["mal_id"])
    order = random.Random(seed)
    linked = sorted(neighbours)
    order.shuffle(linked)
    chosen: set[int] = set()
    for start in linked:
        if len(chosen) >= size // 2:
            break
        todo = [start]
        while todo:
            current = todo.pop()
            if current not in chosen:
                chosen.add(current)
                todo.extend(neighbours[current])
    alone = sorted(set(by_id) - set(neighbours))
    order.shuffle(alone)
    chosen.update(alone[: size - len(chosen)])
    return [row for row in rows if row["mal_id"] in chosen]


def genres(row: Row) -> list[str]:
    """MyAnimeList's own taxonomy where a dump has it, else the mixed tags."""
    split = [*row.get("genres_2022", []), *row.get("themes_2022", [])]
    split += row.get("demographics_2022", [])
    return split or row.get("genres_2020") or row.get("genres_mixed") or []


def titles(row: Row, *, english: bool = True, japanese: bool = False) -> str:
    names = [row["title"]]
    if english and row.get("title_english"):
        names.append(row["title_english"])
    if japanese and row.get("title_japanese"):
        names.append(row["title_japanese"])
    return ". ".join(dict.fromkeys(names))


def synonyms(row: Row) -> str:
    return ". ".join(row.get("title_synonyms", [])[:5])


def synopsis(row: Row, characters: int) -> str:
    text = re.sub(r"\[Written by MAL Rewrite\]|\(Source:[^)]*\)", "", row.get("synopsis") or "")
    return re.sub(r"\s+", " ", text).strip()[:characters]


def joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def listed(row: Row) -> str:
    return ", ".join(genres(row))


def studios(row: Row) -> str:
    return ", ".join(row.get("studios", []))


RECIPES: dict[str, Callable[[Row], str]] = {
    "title": lambda row: row["title"],
    "titles": titles,
    "titles+japanese": lambda row: titles(row, japanese=True),
    "titles+japanese x2": lambda row: joined(*[titles(row, japanese=True)] * 2),
    "titles+japanese+synonyms": lambda row: joined(titles(row, japanese=True), synonyms(row)),
    "genres": listed,
    "synopsis 300": lambda row: synopsis(row, 300),
    "synopsis 1000": lambda row: synopsis(row, 1000),
    "genres, synopsis 300": lambda row: joined(listed(row), synopsis(row, 300)),
    "titles, genres": lambda row: joined(titles(row), listed(row)),
    "titles, genres, studios": lambda row: joined(titles(row), listed(row), studios(row)),
    "titles, genres x2": lambda row: joined(titles(row), listed(row), listed(row)),
    "titles, synopsis 150": lambda row: joined(titles(row), synopsis(row, 150)),
    "titles, synopsis 300": lambda row: joined(titles(row), synopsis(row, 300)),
    "titles, genres, synopsis 150": lambda row: joined(
        titles(row), listed(row), synopsis(row, 150)
    ),
    "titles, genres, synopsis 300": lambda row: joined(
        titles(row), listed(row), synopsis(row, 300)
    ),
    "titles, genres, studios, synopsis 300": lambda row: joined(
        titles(row), listed(row), studios(row), synopsis(row, 300)
    ),
    "synopsis 300, genres, titles": lambda row: joined(
        synopsis(row, 300), listed(row), titles(row)
    ),
    "titles, genres, synopsis 1000": lambda row: joined(
        titles(row), listed(row), synopsis(row, 1000)
    ),
    "titles+japanese, genres, synopsis 300": lambda row: joined(
        titles(row, japanese=True), listed(row), synopsis(row, 300)
    ),
    "titles+japanese x2, genres, synopsis 300": lambda row: joined(
        titles(row, japanese=True), listed(row), synopsis(row, 300), titles(row, japanese=True)
    ),
    "titles+japanese x3, genres, synopsis 300": lambda row: joined(
        *[titles(row, japanese=True)] * 3, listed(row), synopsis(row, 300)
    ),
}


def trigrams(text: str) -> set[str]:
    """pg_trgm's rule: words of letters and digits, lower case, two blanks before, one after."""
    found: set[str] = set()
    for word in re.findall(r"[^\W_]+", text.lower()):
        padded = f"  {word} "
        found.update(padded[i : i + 3] for i in range(len(padded) - 2))
    return found


class Overlap:
    """Jaccard similarity of sets, by postings."""

    def __init__(self, sets: Sequence[set[str]]) -> None:
        self.sets = sets
        self.sizes = np.array([len(one) for one in sets], dtype=np.float32)
        postings: dict[str, list[int]] = defaultdict(list)
        for position, one in enumerate(sets):
            for term in one:
                postings[term].append(position)
        self.postings = {term: np.array(where) for term, where in postings.items()}

    def scores(self, position: int) -> NDArray[np.float32]:
        terms = [self.postings[term] for term in self.sets[position]]
        shared = np.zeros(len(self.sets), dtype=np.float32)
        if terms:
            hits = np.bincount(np.concatenate(terms), minlength=len(self.sets))
            shared = hits.astype(np.float32)
        union = self.sizes + self.sizes[position] - shared
        return np.asarray(shared / np.maximum(union, 1.0), dtype=np.float32)


def shares(
    rows: list[Row], scores: Callable[[int], NDArray[np.float32]], seed: int
) -> tuple[float, float]:
    """The share of all related pairs found in the top 10 and 50; ties fall by chance."""
    position_of = {row["mal_id"]: position for position, row in enumerate(rows)}
    jitter = np.random.default_rng(seed).random(len(rows), dtype=np.float32) * 1e-6
    found_small = found_large = total = 0
    for position, row in enumerate(rows):
        wanted = {position_of[i] for i, _kind in row.get("related", []) if i in position_of}
        wanted.discard(position)
        if not wanted:
            continue
        ranked = scores(position) + jitter
        ranked[position] = -np.inf
        top = np.argpartition(-ranked, LARGE)[:LARGE]
        top = top[np.argsort(-ranked[top])]
        found_small += len(wanted.intersection(top[:SMALL].tolist()))
        found_large += len(wanted.intersection(top.tolist()))
        total += len(wanted)
    return found_small / total, found_large / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=5000, help="titles; 0 is all")
    parser.add_argument("--only", action="append", help="a recipe's name; may be repeated")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = read_catalogue()
    if options.sample:
        rows = sample_franchises(rows, options.sample, options.seed)
    print(f"{len(rows)} titles, seed {options.seed}", flush=True)

    baseline = (0.0, 0.0)
    for name, sets in (
        ("genre overlap", [set(genres(row)) for row in rows]),
        ("title trigrams", [trigrams(row["title"]) for row in rows]),
    ):
        small, large = shares(rows, Overlap(sets).scores, options.seed)
        baseline = (max(baseline[0], small), max(baseline[1], large))
        print(f"{name:<44} {small:6.3f} {large:6.3f}", flush=True)

    embedder = LocalEmbedder()
    for name in options.only or RECIPES:
        texts = [RECIPES[name](row) or row["title"] for row in rows]
        started = time.perf_counter()
        embedded = embedder.embed(texts, purpose="document")
        rate = len(texts) / (time.perf_counter() - started)
        vectors = np.array(embedded.vectors, dtype=np.float32)
        small, large = shares(rows, lambda i, v=vectors: v @ v[i], options.seed)  # type: ignore[misc]
        print(
            f"{name:<44} {small:6.3f} {large:6.3f}  x{small / baseline[0]:.2f}"
            f" x{large / baseline[1]:.2f}  {rate:5.0f} texts/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
