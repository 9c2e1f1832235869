"""Every title asked by its own names, as people mark, shorten and misspell it and programs file it.

    .venv/bin/python bench/search_sweep.py               # all of the catalogue, ten minutes
    .venv/bin/python bench/search_sweep.py --sample 500  # of each style, half a minute
    .venv/bin/python bench/search_sweep.py --misses 5    # and show some that are not first

The queries are made from the catalogue of ../shared, none is chosen by hand. Own names are those
of every anime; styles and slips are of the 4,264 with 20,000 members and more, as nobody files or
misspells what nobody knows. The right answer is the anime asked for, or another that bears the
very name that was typed; where marks or spaces were taken away, one with the same letters. A slip
is a letter left out, put in, replaced or swapped with the next, by a fixed seed, in one word of six
letters and more.
Exit code 1 where a style is under its bound, or a query took longer than 50 ms three times.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

# ruff: noqa: E402
import argparse
import json
import random
import re
import string
import subprocess
import tempfile
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from pgjikan import migrations
from pgjikan.loader import load
from pgjikan.server import EmbeddedServer

SHARED = ROOT.parent / "shared"
SEARCH = "SELECT mal_id FROM anime.search_cached(%s, max_rows => 10, nsfw => true)"
FAMOUS = 20_000
OWN = ("default", "English", "Japanese")
SLOW = 0.05

#: What is asked of each style: the share that must come first.
OWN_BOUND, SEASON_BOUND, FILE_BOUND, SLIP_BOUND, SLIPS_BOUND = 0.997, 0.99, 0.95, 0.96, 0.85

#: How programs and people put a title among words that are not the title.
STYLES = {
    "T (YEAR) S01": "{title} ({year}) S01",
    "T (YEAR)": "{title} ({year})",
    "T YEAR": "{title} {year}",
    "T (YEAR) [tvdbid-1]": "{title} ({year}) [tvdbid-{number}]",
    "T (YEAR) {imdb-tt1}": "{title} ({year}) {{imdb-tt{number}}}",
    "T [anidb-1]": "{title} [anidb-{number}]",
    "T TYPE": "{title} {type}",
    "T (TYPE)": "{title} ({type})",
    "T anime": "{title} anime",
    "T episode 1": "{title} episode 1",
    "T ep 5": "{title} ep 5",
    "T sub": "{title} sub",
    "T eng sub": "{title} eng sub",
    "T subbed": "{title} subbed",
    "T dub": "{title} dub",
    "T english dub": "{title} english dub",
    "watch T": "watch {title}",
    "watch T online": "watch {title} online",
    "T full": "{title} full",
    "T - 01": "{title} - 01",
    "T S01E05": "{title} S01E05",
    "T.S01E05.1080p": "{dots}.S01E05.1080p.BluRay.x264",
    "[Group] T - 05 [1080p].mkv": "[SubsPlease] {title} - 05 (1080p) [A1B2C3D4].mkv",
    "[Group] T [BD 1080p]": "[Group] {title} [BD 1080p HEVC]",
    "T_(YEAR)_BD": "{underscores}_({year})_BD_1080p",
}
NUMBERED = re.compile(
    r"^(?P<name>.*[^\s\d:].*?) "
    r"(?:(?:Season )?(?P<number>[2-9])|(?P<ordinal>[2-9])(?:nd|rd|th) Season"
    r"|(?P<roman>III?|IV|V))$"
)
SEASONS = {
    "T season N": "{name} season {n}",
    "T SN": "{name} S{n}",
    "T S0N": "{name} S0{n}",
    "T Nth season": "{name} {n}{th} season",
    "T Season 0N": "{name} - Season 0{n}",
    "T N": "{name} {n}",
    "T roman": "{name} {roman}",
}
FIRST = {"T season 1": "{name} season 1", "T S1": "{name} S1", "T S01": "{name} S01"}
ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")


@dataclass(slots=True)
class Style:
    """The queries of one style, and what came of them."""

    name: str
    bound: float
    asked: list[tuple[str, frozenset[int]]] = field(default_factory=list)
    misses: list[tuple[str, frozenset[int], int | None]] = field(default_factory=list)
    slow: list[tuple[str, float]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return 1 - len(self.misses) / max(len(self.asked), 1)


def letters(title: str) -> str:
    """Only what is no mark and no space, without accents and case."""
    plain = unicodedata.normalize("NFKD", title.replace("×", "x")).casefold()
    return "".join(c for c in plain if c.isalnum())


def without_marks(title: str) -> str:
    """Words alone, as who cannot type the marks."""
    plain = unicodedata.normalize("NFKC", title.replace("×", "x"))
    return " ".join("".join(c if c.isalnum() or c == "ー" else " " for c in plain).split())


class Catalogue:
    """Who bears which name."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.documents = documents
        self.same: dict[str, set[int]] = defaultdict(set)
        self.alike: dict[str, set[int]] = defaultdict(set)
        for document in documents:
            for title in document["titles"]:
                self.same[title["title"].casefold().strip()].add(document["mal_id"])
                self.alike[letters(title["title"])].add(document["mal_id"])

    def right(self, document: dict[str, Any], query: str) -> frozenset[int]:
        """The anime asked for, and who bears the very name that is typed."""
        return frozenset({document["mal_id"], *self.same[query.casefold().strip()]})

    def right_letters(self, document: dict[str, Any], query: str) -> frozenset[int]:
        return frozenset({document["mal_id"], *self.alike[letters(query)]})


def own_names(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    keys = ("title", "title_english", "title_japanese")
    for kind, key in zip(OWN, keys, strict=True):
        if document[key] and letters(document[key]):
            yield kind, document[key]


def slip(word: str, chance: random.Random) -> str:
    """The word with a slip of the finger, never itself."""
    slipped = word
    while slipped == word:
        slipped = _slip(word, chance)
    return slipped


def _slip(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word))
    letter = chance.choice(string.ascii_lowercase)
    match chance.randrange(4):
        case 0:
            return word[:place] + word[place + 1 :]
        case 1:
            return word[:place] + letter + word[place:]
        case 2:
            return word[:place] + letter + word[place + 1 :]
        case _:
            place = min(place, len(word) - 2)
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def styles(catalogue: Catalogue) -> Iterable[Style]:
    """All queries, by style."""
    made: dict[str, Style] = {}

    def ask(name: str, bound: float, query: str, right: frozenset[int]) -> None:
        made.setdefault(name, Style(name, bound)).asked.append((query, right))

    for document in catalogue.documents:
        for kind, name in own_names(document):
            ask(f"{kind} name", OWN_BOUND, name, catalogue.right(document, name))
            ask(f"{kind} name, lower", OWN_BOUND, name.lower(), catalogue.right(document, name))
            bare = without_marks(name)
            right = catalogue.right_letters(document, name)
            ask(f"{kind} name, no marks", OWN_BOUND, bare, right)
            ask(f"{kind} name, no spaces", OWN_BOUND, bare.replace(" ", ""), right)
    famous = [d for d in catalogue.documents if (d["members"] or 0) >= FAMOUS]
    chance = random.Random(19)
    for document in famous:
        title = document["title"]
        facts = {
            "title": title,
            "type": document["type"],
            "year": document["year"] or document["aired"]["prop"]["from"]["year"],
            "number": chance.randrange(1, 400_000),
            "dots": re.sub(r"[^\w]+", ".", title),
            "underscores": title.replace(" ", "_"),
        }
        right = catalogue.right(document, title)
        for name, form in STYLES.items():
            if all(facts[fact] for fact in facts if f"{{{fact}}}" in form):
                ask(name, FILE_BOUND, form.format(**facts), right)
        numbered = NUMBERED.match(title)
        if numbered:
            found = numbered["number"] or numbered["ordinal"]
            n = int(found) if found else ROMAN.index(numbered["roman"])
            name = numbered["name"].rstrip()
            th = {1: "st", 2: "nd", 3: "rd"}.get(n, "th")
            for style, form in SEASONS.items():
                query = form.format(name=name, n=n, th=th, roman=ROMAN[n])
                ask(style, SEASON_BOUND, query, catalogue.right(document, title))
        elif not re.search(r"\d|\b[IVX]+\b", title) and document["type"] == "TV":
            for style, form in FIRST.items():
                query = form.format(name=title)
                ask(style, SEASON_BOUND, query, catalogue.right(document, title))
        words = title.split()
        long = [place for place, word in enumerate(words) if re.fullmatch("[A-Za-z]{6,}", word)]
        if long:
            place = chance.choice(long)
            once = slip(words[place].lower(), chance)
            twice = slip(once, chance)
            while twice == words[place].lower():
                twice = slip(once, chance)
            for style, bound, word in (
                ("one slip", SLIP_BOUND, once),
                ("two slips", SLIPS_BOUND, twice),
            ):
                query = " ".join([*words[:place], word, *words[place + 1 :]])
                # Who misspells a name does not type its marks either.
                ask(style, bound, query, catalogue.right_letters(document, title))
    return made.values()


def sweep(dsn: str, style: Style) -> None:
    """Ask all queries of a style and note those that are not answered right, or slowly."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.cursor(binary=True)
        for query, right in style.asked:
            times = []
            while len(times) < 3:
                started = time.perf_counter()
                row = cursor.execute(SEARCH, [query], prepare=True).fetchone()
                times.append(time.perf_counter() - started)
                if times[-1] <= SLOW:
                    break
            if min(times) > SLOW:
                style.slow.append((query, min(times)))
            if row is None or row[0] not in right:
                style.misses.append((query, right, row and row[0]))


def report(console: Console, found: list[Style], misses: int) -> bool:
    table = Table("style", "queries", "first", "bound", "")
    for style in found:
        is_met = style.share >= style.bound
        table.add_row(
            escape(style.name),
            f"{len(style.asked):,}",
            f"{style.share:.2%}",
            f"{style.bound:.1%}",
            "met" if is_met else "[red]not met",
        )
    console.print(table)
    slow = [entry for style in found for entry in style.slow]
    for query, seconds in slow:
        console.print(f"slow: {seconds * 1000:.0f} ms: {query!r}", markup=False)
    for style in found:
        for query, right, got in style.misses[:misses]:
            console.print(f"{style.name}: {query!r} {sorted(right)} got {got}", markup=False)
    return not slow and all(style.share >= style.bound for style in found)


def main() -> None:
    """Sweep, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, help="queries of each style, by chance; all")
    parser.add_argument("--style", help="only styles with this in their name")
    parser.add_argument("--misses", type=int, default=0, help="show so many of each style")
    parser.add_argument("--dsn", help="a database that has the catalogue already")
    arguments = parser.parse_args()
    if not SHARED.exists():
        sys.exit(f"skipped: {SHARED} is missing, the catalogue is read from there")
    tool = (sys.executable, str(SHARED / "tools/catalogue_to_jikan.py"))
    printed = subprocess.run(tool, check=True, capture_output=True).stdout
    found = [
        style
        for style in styles(Catalogue([json.loads(line) for line in printed.splitlines()]))
        if arguments.style is None or arguments.style in style.name
    ]
    if arguments.sample:
        chance = random.Random(0)
        for style in found:
            style.asked = chance.sample(style.asked, min(arguments.sample, len(style.asked)))
    console = Console()

    def run(dsn: str) -> None:
        with ThreadPoolExecutor(2) as pool:
            tasks = [pool.submit(sweep, dsn, style) for style in found]
            for task in track(tasks, "asking", console=Console(stderr=True)):
                task.result()

    if arguments.dsn:
        run(arguments.dsn)
    else:
        with tempfile.TemporaryDirectory(prefix="pgjikan-bench-") as folder:
            Path(folder).chmod(0o755)
            source = Path(folder) / "catalogue.jsonl"
            source.write_bytes(printed)
            with EmbeddedServer(Path(folder) / "data") as server:
                migrations.deploy(server.dsn(), verify=False)
                load(server.dsn(), source)
                with psycopg.connect(server.dsn(), autocommit=True) as connection:
                    connection.execute("VACUUM ANALYZE")
                run(server.dsn())
    if not report(console, found, arguments.misses):
        sys.exit(1)


if __name__ == "__main__":
    main()
