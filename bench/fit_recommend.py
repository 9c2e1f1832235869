"""What each sign that two titles go together is worth: the weights of `jikan_sync.setting`, fitted.

Reads profiles, rarities and vectors from a database that holds the catalogue, votes and what people
of another site recommend from ../shared/recommend (the dev half only), and climbs from the shipped
weights to better recall at 10, one weight at a time. The halves of the titles are fitted and judged
crosswise, so that a gain that is only luck shows. Few weights, because a second set is kept back.

    python bench/fit_recommend.py --dsn …             # judge the shipped weights, term by term
    python bench/fit_recommend.py --dsn … --climb     # and look for better ones
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "recommend"
Array = np.ndarray[Any, Any]
POOL = 7000  # of the most popular; what is recommended is nearly always one of these
CONTENT = (
    "genre",
    "rare_genre",
    "studio",
    "type",
    "source",
    "rating",
    "vector",
    "era",
    "popularity",
    "love",
    "popularity_gap",
    "score_gap",
)
VOTES = ("vote", "franchise_vote", "walk", "content_walk")


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SHARED / name).read_text().splitlines()]


class Catalogue:
    """Titles as recommendations read them, in the order of members."""

    def __init__(self, dsn: str) -> None:
        with psycopg.connect(dsn) as connection:
            rows = connection.execute(
                "SELECT p.mal_id, p.popularity, p.love, p.rating, p.year, p.is_nsfw, p.stem, "
                "p.stem_english, p.words, p.genre_names, a.studio_names, a.type, a.source, "
                "split_part(a.rating, ' ', 1), r.embedding::text FROM jikan.profile AS p "
                "JOIN jikan.anime AS a ON a.id = p.anime_id "
                "JOIN jikan_sync.recommendable AS r ON r.anime_id = p.anime_id "
                "ORDER BY p.members DESC, p.mal_id"
            ).fetchall()
            rarity = {
                (kind, name): value
                for kind, name, value in connection.execute(
                    "SELECT kind, name, rarity FROM jikan_sync.trait"
                ).fetchall()
            }
            self.weights = {
                name.removeprefix("neighbour_").removesuffix("_weight"): float(value)
                for name, value in connection.execute(
                    "SELECT name, value FROM jikan_sync.setting "
                    r"WHERE name LIKE 'neighbour\_%\_weight'"
                ).fetchall()
            }
        columns = list(zip(*rows, strict=True))
        self.mal_ids: list[int] = list(columns[0])
        self.place = {mal_id: place for place, mal_id in enumerate(self.mal_ids)}
        numbers = [np.array(column, dtype=np.float32) for column in columns[1:5]]
        self.popularity, self.love, self.rating, self.year = numbers
        self.nsfw = np.array(columns[5])
        self.stems, self.english, self.words = columns[6], columns[7], columns[8]
        self.type, self.source, self.age = (
            np.array([value or "" for value in column]) for column in columns[11:14]
        )
        self.vectors = np.array(
            [np.fromstring(v[1:-1], sep=",", dtype=np.float32) for v in columns[14]]
        )
        self.genres = hot(columns[9], rarity, "genre")
        self.studios = hot(columns[10], rarity, "studio")
        length = np.sqrt((self.genres**2).sum(1, keepdims=True))
        self.cosine = self.genres / np.maximum(length, 1e-9)
        self.family = defaultdict(list)
        for place, stem in enumerate(self.stems):
            self.family[stem].append(place)

    def own(self, title: int) -> set[int]:
        """A title's franchise by name, as the product tells it where relations are missing."""
        found = {title}
        for stem in {self.stems[title], self.english[title]} - {None}:
            found.update(self.family[stem])
            words = " " + " ".join("".join(c if c.isalnum() else " " for c in stem).split()) + " "
            if len(words) >= 8:
                found.update(n for n, text in enumerate(self.words) if words in text)
        return found

    def content(self, titles: Array, others: Array) -> dict[str, Array]:
        """Each sign of likeness, of titles (rows) and others (columns)."""

        def same(values: Array, *nothing: str) -> Array:
            told = ~np.isin(values[others], ["", *nothing])
            return ((values[titles][:, None] == values[others][None]) & told).astype(np.float32)

        def gap(values: Array) -> Array:
            return np.abs(values[titles][:, None] - values[others][None])

        root = np.sqrt(self.genres)
        return {
            "genre": self.cosine[titles] @ self.cosine[others].T,
            "rare_genre": root[titles] @ root[others].T,
            "studio": np.sqrt(self.studios[titles]) @ np.sqrt(self.studios[others]).T,
            "type": same(self.type),
            "source": same(self.source, "Unknown"),
            "rating": same(self.age),
            "vector": self.vectors[titles] @ self.vectors[others].T,
            "era": np.nan_to_num(np.exp(-gap(self.year) / 8)),
            "popularity": np.broadcast_to(self.popularity[others], (len(titles), len(others))),
            "love": np.broadcast_to(self.love[others], (len(titles), len(others))),
            "popularity_gap": -gap(self.popularity),
            "score_gap": -gap(self.rating),
        }


def hot(lists: Iterable[list[str]], rarity: dict[tuple[str, str], float], kind: str) -> Array:
    lists = list(lists)
    names = {name: n for n, name in enumerate(sorted({name for one in lists for name in one}))}
    matrix = np.zeros((len(lists), len(names)), dtype=np.float32)
    for row, one in enumerate(lists):
        for name in one:
            matrix[row, names[name]] = rarity.get((kind, name), 3 if kind == "genre" else 0.3)
    return matrix


class Trial:
    """The titles of the dev half with the signs of every candidate, and what is right."""

    def __init__(self, catalogue: Catalogue, hidden: bool) -> None:
        wanted = {
            catalogue.place[row["mal_id"]]: [
                catalogue.place[other]
                for other, _votes in row["recommended"]
                if other in catalogue.place
            ][:10]
            for row in lines("truth-dev.jsonl")
            if row["mal_id"] in catalogue.place
        }
        wanted = {title: others for title, others in wanted.items() if len(others) >= 3}
        self.titles = np.array(list(wanted))
        self.pool = np.array([n for n in range(POOL) if not catalogue.nsfw[n]])
        column = {title: n for n, title in enumerate(self.pool)}
        shape = (len(self.titles), len(self.pool))
        self.own, self.right = np.zeros(shape, bool), np.zeros(shape, bool)
        families = [catalogue.own(title) for title in self.titles]
        for row, (title, family) in enumerate(zip(self.titles, families, strict=True)):
            self.own[row, [column[n] for n in family if n in column]] = True
            self.right[row, [column[n] for n in wanted[title] if n in column]] = True
        self.count = np.array([min(10, len(set(others))) for others in wanted.values()])
        stems: dict[str, int] = {}
        self.stem = np.array([stems.setdefault(catalogue.stems[n], len(stems)) for n in self.pool])
        self.hidden = np.random.default_rng(5).random(len(self.titles)) < 0.5
        veiled = set(self.titles[self.hidden].tolist()) if hidden else set()
        self.signs = catalogue.content(self.titles, self.pool)
        self.add_votes(catalogue, families, veiled)

    def add_votes(self, catalogue: Catalogue, families: list[set[int]], veiled: set[int]) -> None:
        edges = [
            (catalogue.place[row["a"]], catalogue.place[row["b"]], np.log2(1 + row["votes"]))
            for row in lines("votes.jsonl")
            if row["a"] in catalogue.place and row["b"] in catalogue.place
        ]
        edges = [edge for edge in edges if not veiled & set(edge[:2])]
        nodes = sorted({n for edge in edges for n in edge[:2]})
        node = {title: n for n, title in enumerate(nodes)}
        graph = np.zeros((len(nodes), len(nodes)), dtype=np.float32)
        for one, other, votes in edges:
            graph[node[one], node[other]] = graph[node[other], node[one]] = votes
        share = graph / np.maximum(graph.sum(1, keepdims=True), 1e-9)
        known = np.array([node.get(n, -1) for n in self.pool])

        def seen(matrix: Array) -> Array:
            return np.where(known >= 0, matrix[:, known], 0)

        direct = np.zeros((len(self.titles), len(nodes)), dtype=np.float32)
        siblings = np.zeros_like(direct)
        for row, (title, family) in enumerate(zip(self.titles, families, strict=True)):
            if title in node:
                direct[row] = graph[node[title]]
            for other in family - {title}:
                if other in node:
                    siblings[row] += graph[node[other]]
        first = direct + siblings
        first /= np.maximum(first.sum(1, keepdims=True), 1e-9)
        self.signs |= {
            "vote": seen(direct),
            "franchise_vote": seen(siblings),
            "walk": seen(first @ share),
        }
        content = self.score(catalogue.weights, CONTENT)
        best = np.argpartition(-content, 30, axis=1)[:, :30]
        weight = np.take_along_axis(content, best, 1)
        weight = np.exp((weight - weight.max(1, keepdims=True)) / 2)
        weight /= weight.sum(1, keepdims=True)
        step = np.zeros_like(direct)
        for row in range(len(step)):
            for n, value in zip(known[best[row]], weight[row], strict=True):
                if n >= 0:
                    step[row, n] = value
        self.signs["content_walk"] = seen(step @ share)

    def score(self, weights: dict[str, float], names: Iterable[str]) -> Array:
        walk = [n for n in names if n in ("walk", "content_walk")]
        total = sum(
            np.float32(weights[n]) * self.signs[n] for n in names if n not in walk
        ) + np.float32(0)
        if walk:
            walked = sum(np.float32(weights[n]) * self.signs[n] for n in walk)
            total = total + np.minimum(walked, np.float32(weights["most_walk"]))
        return np.asarray(total)

    def recall(self, weights: dict[str, float], names: Iterable[str]) -> Array:
        """Of each title: the share of what is right in the first ten, one of a franchise."""
        score = np.where(self.own, -1e9, self.score(weights, names))
        first = np.argpartition(-score, 40, axis=1)[:, :40]
        order = np.argsort(-np.take_along_axis(score, first, 1), axis=1)
        first = np.take_along_axis(first, order, 1)
        stem, right = self.stem[first], np.take_along_axis(self.right, first, 1)
        again = np.zeros_like(right)
        for n in range(1, stem.shape[1]):
            again[:, n] = (stem[:, :n] == stem[:, n : n + 1]).any(1)
        listed = np.cumsum(~again, 1) <= 10
        return np.asarray((right & ~again & listed).sum(1) / self.count)


def climb(trial: Trial, weights: dict[str, float], names: tuple[str, ...], rows: Array) -> None:
    """One weight at a time, up or down, while it helps."""
    best = trial.recall(weights, names)[rows].mean()
    for factor in (1.4, 1.15):
        for name in names:
            for by in (factor, 1 / factor):
                while True:
                    tried = weights | {name: weights[name] * by}
                    found = trial.recall(tried, names)[rows].mean()
                    if found <= best + 1e-5:
                        break
                    best, weights[name] = found, tried[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--climb", action="store_true")
    arguments = parser.parse_args()
    catalogue = Catalogue(arguments.dsn)
    weights = catalogue.weights
    trial = Trial(catalogue, hidden=False)
    everything = (*CONTENT, *VOTES)
    everyone = np.ones(len(trial.titles), bool)

    print(f"{len(trial.titles)} titles; recall at 10, and what a term alone is worth\n")
    print("| | without votes | with votes |\n|---|---|---|")
    content = trial.recall(weights, CONTENT).mean()
    whole = trial.recall(weights, everything).mean()
    print(f"| all terms | {content:.3f} | {whole:.3f} |")
    for name in CONTENT:
        less = trial.recall(weights, [n for n in CONTENT if n != name]).mean()
        least = trial.recall(weights, [n for n in everything if n != name]).mean()
        print(f"| without {name} | {less - content:+.3f} | {least - whole:+.3f} |", flush=True)
    for name in VOTES:
        least = trial.recall(weights, [n for n in everything if n != name]).mean()
        print(f"| without {name} | | {least - whole:+.3f} |", flush=True)
    veiled = Trial(catalogue, hidden=True)
    rest = veiled.recall(weights, everything)[veiled.hidden].mean()
    alone = veiled.recall(weights, CONTENT)[veiled.hidden].mean()
    print(f"\nevery vote of half of the titles hidden, these: {rest:.3f}, by content {alone:.3f}")
    if arguments.climb:
        half = np.random.default_rng(3).random(len(trial.titles)) < 0.5
        for names in (CONTENT, everything):
            judged = []
            for fitted in (half, ~half):
                found = dict(weights)
                climb(trial, found, names, fitted)
                judged.append(trial.recall(found, names)[~fitted])
            climb(trial, found := dict(weights), names, everyone)
            print(f"crosswise {np.concatenate(judged).mean():.3f}, all {found}", flush=True)


if __name__ == "__main__":
    main()
