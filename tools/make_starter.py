#!/usr/bin/env python3
"""Make sidecar/pgjikan/starter.jsonl.gz: facts of about 1,000 popular anime, as Jikan documents.

    python3 tools/make_starter.py [--count 1000]

Reads ../shared/jikan/catalogue (27,631 anime) and keeps facts only: titles in every language, type,
year, season, episodes, status, score, genres, themes, studios, relations between the chosen. No
synopsis and no other prose. The file is the same whenever its input is (no time stamp inside).
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
TARGET = ROOT / "sidecar/pgjikan/starter.jsonl.gz"

#: Fields of the Anime object that are facts; the others are left out.
FACTS = (
    "mal_id",
    "title",
    "title_english",
    "title_japanese",
    "type",
    "source",
    "episodes",
    "status",
    "airing",
    "rating",
    "score",
    "rank",
    "popularity",
    "members",
    "season",
    "year",
)
ENTRIES = ("studios", "genres", "explicit_genres", "themes", "demographics")
#: The catalogue's relation names in Jikan's words.
RELATIONS = {
    "SEQUEL": "Sequel",
    "PREQUEL": "Prequel",
    "SIDE_STORY": "Side Story",
    "PARENT": "Parent Story",
    "ALTERNATIVE": "Alternative Version",
    "SUMMARY": "Summary",
    "SPIN_OFF": "Spin-Off",
    "CHARACTER": "Character",
    "OTHER": "Other",
}


def facts(document: dict[str, Any], relations: list[dict[str, Any]]) -> dict[str, Any]:
    """The document with its facts only."""
    kept = {name: document[name] for name in FACTS if document.get(name) is not None}
    kept["titles"] = document["titles"]
    kept["title_synonyms"] = document["title_synonyms"]
    kept["url"] = document["url"]
    kept["aired"] = {key: document["aired"][key] for key in ("from", "to")}
    for name in ENTRIES:
        kept[name] = [
            {"mal_id": entry["mal_id"], "type": "anime", "name": entry["name"]}
            for entry in document[name]
        ]
    if relations:
        kept["relations"] = relations
    return kept


def related(chosen: dict[int, dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Relations between the chosen anime, grouped as Jikan groups them."""
    result: dict[int, list[dict[str, Any]]] = {}
    with gzip.open(SHARED / "jikan/catalogue/anime-merged.jsonl.gz", "rt", encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            if row["mal_id"] not in chosen:
                continue
            groups: dict[str, list[dict[str, Any]]] = {}
            for mal_id, kind in row.get("related") or []:
                if mal_id in chosen:
                    entry = {"mal_id": mal_id, "type": "anime", "name": chosen[mal_id]["title"]}
                    groups.setdefault(RELATIONS.get(kind, "Other"), []).append(entry)
            result[row["mal_id"]] = [
                {"relation": kind, "entry": entries} for kind, entries in groups.items()
            ]
    return result


def main() -> None:
    """Write the starter catalogue and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    count = parser.parse_args().count
    if not SHARED.exists():
        sys.exit(f"{SHARED} is missing: the catalogue of real anime is read from there")
    printed = subprocess.run(
        [sys.executable, SHARED / "tools/catalogue_to_jikan.py", "--popular", "--limit", "3000"],
        check=True,
        capture_output=True,
    ).stdout
    documents = [json.loads(line) for line in printed.splitlines()]
    adult = ("Hentai", "Erotica")
    chosen = {
        document["mal_id"]: document
        for document in [
            document
            for document in documents
            if not any(genre["name"] in adult for genre in document["explicit_genres"])
        ][:count]
    }
    relations = related(chosen)
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=9, mtime=0, filename="") as packed:
        for document in chosen.values():
            line = json.dumps(
                facts(document, relations.get(document["mal_id"], [])),
                ensure_ascii=False,
                separators=(",", ":"),
            )
            packed.write(line.encode() + b"\n")
    TARGET.write_bytes(raw.getvalue())
    print(f"{TARGET.relative_to(ROOT)}: {len(chosen)} anime, {len(raw.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
