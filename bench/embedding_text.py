"""Which input text makes the local model's neighbours agree best with MyAnimeList's own relations?

For every recipe the titles of a sample are embedded, and the share of related titles (the
catalogue's ``related`` field, which no recipe shows to the model) among the 10 and the 50 nearest
is counted, beside two baselines that need no model: overlap of genres (Jaccard) and trigrams of
the title (pg_trgm's rule). Franchise collapsing is off: a sequel is a hit.

Two shares a column pair: of all related pairs, and of those whose titles do not look alike
(trigram similarity under 0.3, pg_trgm's own threshold), where a name alone finds nothing.

    python bench/embedding_text.py                          # a sample of 5,000
    python bench/embedding_text.py --sample 0 --only NAME   # one recipe on the whole catalogue
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgjikan.embedders.local import LocalEmbedder

Row = dict[str, Any]
CATALOGUE = Path(__file__).parents[2] / "shared" / "jikan" / "catalogue" / "anime-merged.jsonl.gz"
SMALL, LARGE = 10, 50


def read_catalogue() -> list[Row]:
    with gzip.open(CATALOGUE, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sample_franchises(rows: list[Row], size: int, seed: int) -> list[Row]:
    """Franchises drawn whole, one by one, so that no relation is cut; loners count as one."""
    by_id = {row["mal_id"]: row for row in rows}
    neighbours: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        for other, _kind in row.get("related", []):
            if other in by_id:
                neighbours[row["mal_id"]].add(other)
                neighbours[other].add(row["mal_id"])
    franchises: list[list[int]] = []
    seen: set[int] = set()
    for start in sorted(by_id):
        if start in seen:
            continue
        franchise, todo = [], [start]
        while todo:
            current = todo.pop()
            if current not in seen:
                seen.add(current)
                franchise.append(current)
                todo.extend(neighbours[current])
        franchises.append(franchise)
    random.Random(seed).shuffle(franchises)
    chosen: set[int] = set()
    for franchise in franchises:
        if len(chosen) >= size:
            break
        chosen.update(franchise)
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


def names(row: Row) -> str:
    return joined(titles(row, japanese=True), synonyms(row))


def facts(row: Row) -> str:
    return joined(listed(row), studios(row))


def whole(row: Row) -> str:
    return joined(names(row), facts(row), synopsis(row, 2000))


Recipe = Callable[[Row], str]
RECIPES: dict[str, Recipe] = {
    "title": lambda row: row["title"],
    "titles": titles,
    "titles+japanese": lambda row: titles(row, japanese=True),
    "names": names,
    "genres": listed,
    "synopsis 300": lambda row: synopsis(row, 300),
    "synopsis 1000": lambda row: synopsis(row, 1000),
    "genres, synopsis 300": lambda row: joined(listed(row), synopsis(row, 300)),
    "titles, genres": lambda row: joined(titles(row), listed(row)),
    "titles, genres x2": lambda row: joined(titles(row), listed(row), listed(row)),
    "titles, facts": lambda row: joined(titles(row), facts(row)),
    "titles, synopsis 300": lambda row: joined(titles(row), synopsis(row, 300)),
    "titles, facts, synopsis 150": lambda row: joined(titles(row), facts(row), synopsis(row, 150)),
    "titles, facts, synopsis 300": lambda row: joined(titles(row), facts(row), synopsis(row, 300)),
    "synopsis 300, facts, titles": lambda row: joined(synopsis(row, 300), facts(row), titles(row)),
    "titles, facts, synopsis 1000": lambda row: joined(
        titles(row), facts(row), synopsis(row, 1000)
    ),
    "names, facts": lambda row: joined(names(row), facts(row)),
    "names x2, facts": lambda row: joined(names(row), names(row), facts(row)),
    "names, facts, synopsis 150": lambda row: joined(names(row), facts(row), synopsis(row, 150)),
    "names, facts, synopsis 300": lambda row: joined(names(row), facts(row), synopsis(row, 300)),
    "names x2, facts, synopsis 150": lambda row: joined(
        names(row), names(row), facts(row), synopsis(row, 150)
    ),
    "names x2, facts, synopsis 300": lambda row: joined(
        names(row), names(row), facts(row), synopsis(row, 300)
    ),
    "names x3, facts, synopsis 300": lambda row: joined(
        *[names(row)] * 3, facts(row), synopsis(row, 300)
    ),
    "whole": whole,
    "whole, cut at 300": lambda row: whole(row)[:300],
    "whole, cut at 400": lambda row: whole(row)[:400],
    "whole, cut at 600": lambda row: whole(row)[:600],
}
# Two vectors of a title added: (recipe, its weight, the other recipe). Not one text, but one row.
BLENDS: dict[str, tuple[str, float, str]] = {
    "title + (titles, facts, synopsis 300)": ("title", 1.0, "titles, facts, synopsis 300"),
    "names + genres": ("names", 1.0, "genres"),
    "names + synopsis 300": ("names", 1.0, "synopsis 300"),
    "names + (genres, synopsis 300)": ("names", 1.0, "genres, synopsis 300"),
    "2 names + (genres, synopsis 300)": ("names", 2.0, "genres, synopsis 300"),
    "names + (titles, facts, synopsis 300)": ("names", 1.0, "titles, facts, synopsis 300"),
    "2 names + (titles, facts, synopsis 300)": ("names", 2.0, "titles, facts, synopsis 300"),
    "names + (names, facts)": ("names", 1.0, "names, facts"),
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


class Cosine:
    """Similarity of unit vectors."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors

    def scores(self, position: int) -> NDArray[np.float32]:
        return np.asarray(self.vectors @ self.vectors[position], dtype=np.float32)


Shares = tuple[float, float, float, float]


class Relations:
    """The pairs to find among the rows, and whether their titles look alike."""

    def __init__(self, rows: list[Row], titles_overlap: Overlap, seed: int) -> None:
        position_of = {row["mal_id"]: position for position, row in enumerate(rows)}
        self.wanted: dict[int, dict[int, bool]] = {}
        for position, row in enumerate(rows):
            found = {position_of[i] for i, _kind in row.get("related", []) if i in position_of}
            found.discard(position)
            if found:
                alike = titles_overlap.scores(position)
                self.wanted[position] = {one: bool(alike[one] < 0.3) for one in found}
        self.jitter = np.random.default_rng(seed).random(len(rows), dtype=np.float32) * 1e-6
        self.total = sum(map(len, self.wanted.values()))
        self.total_hard = sum(sum(one.values()) for one in self.wanted.values())

    def shares(self, scores: Callable[[int], NDArray[np.float32]]) -> Shares:
        """The shares found in the top 10 and 50, of all and of the hard; ties fall by chance."""
        found = [0, 0, 0, 0]
        for position, pairs in self.wanted.items():
            ranked = scores(position) + self.jitter
            ranked[position] = -np.inf
            top = np.argpartition(-ranked, LARGE)[:LARGE]
            top = top[np.argsort(-ranked[top])].tolist()
            for offset, size in ((0, SMALL), (1, LARGE)):
                hits = [pairs[one] for one in top[:size] if one in pairs]
                found[offset] += len(hits)
                found[2 + offset] += sum(hits)
        return (
            found[0] / self.total,
            found[1] / self.total,
            found[2] / self.total_hard,
            found[3] / self.total_hard,
        )


def show(name: str, shares: Shares, baseline: Shares | None, remark: str = "") -> None:
    cells = " ".join(f"{one:6.3f}" for one in shares)
    ratios = ""
    if baseline is not None:
        ratios = " ".join(f"x{a / b:.2f}" for a, b in zip(shares, baseline, strict=True))
    print(f"{name:<42} {cells}  {ratios} {remark}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, default=5000, help="titles; 0 is all")
    parser.add_argument("--only", action="append", help="a recipe's name; may be repeated")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = read_catalogue()
    if options.sample:
        rows = sample_franchises(rows, options.sample, options.seed)
    by_title = Overlap([trigrams(row["title"]) for row in rows])
    by_genre = Overlap([set(genres(row)) for row in rows])
    relations = Relations(rows, by_title, options.seed)
    print(
        f"{len(rows)} titles, seed {options.seed}, {relations.total} related pairs,"
        f" {relations.total_hard} of them hard"
    )
    print(f"{'':<42} all@10 all@50 hard10 hard50", flush=True)
    genre_shares = relations.shares(by_genre.scores)
    title_shares = relations.shares(by_title.scores)
    show("genre overlap", genre_shares, None)
    show("title trigrams", title_shares, None)
    pairs = [max(a, b) for a, b in zip(genre_shares, title_shares, strict=True)]
    baseline = (pairs[0], pairs[1], pairs[2], pairs[3])

    embedder = LocalEmbedder()
    cache: dict[str, NDArray[np.float32]] = {}

    def vectors_of(name: str) -> NDArray[np.float32]:
        if name in BLENDS:
            first, weight, second = BLENDS[name]
            blended = weight * vectors_of(first) + vectors_of(second)
            length = np.linalg.norm(blended, axis=1, keepdims=True)
            return np.asarray(blended / length, dtype=np.float32)
        if name not in cache:
            texts = [RECIPES[name](row) or row["title"] for row in rows]
            embedded = embedder.embed(texts, purpose="document")
            cache[name] = np.array(embedded.vectors, dtype=np.float32)
        return cache[name]

    for name in options.only or [*RECIPES, *BLENDS]:
        started = time.perf_counter()
        vectors = vectors_of(name)
        remark = "" if name in BLENDS else f"{len(rows) / (time.perf_counter() - started):5.0f}/s"
        show(name, relations.shares(Cosine(vectors).scores), baseline, remark)


if __name__ == "__main__":
    main()
