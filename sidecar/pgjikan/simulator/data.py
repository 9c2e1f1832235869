"""What the simulator knows: titles as raw JSON with a small index, loaded from files."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any

from pgjikan.errors import PgjikanError
from pgjikan.simulator import documents
from pgjikan.simulator.answers import to_json

ORDERS = frozenset(
    {
        *("mal_id", "title", "start_date", "end_date", "episodes", "score"),
        *("scored_by", "rank", "popularity", "members", "favorites"),
    }
)
_SEASONS = ("winter", "spring", "summer", "fall")
_UPCOMING = "Not yet aired"
_AIRING = "Currently Airing"


@dataclass(frozen=True, slots=True)
class Title:
    """One anime: its list row as bytes, what else is known of it, and what queries look at."""

    mal_id: int
    row: bytes
    extra: Mapping[str, Any]
    names: str
    facts: Mapping[str, Any]
    genres: frozenset[int]

    @classmethod
    def of(cls, document: Mapping[str, Any], row: bytes | None = None) -> Title:
        apart = (*documents.FULL_ONLY, *documents.SIDE_RESOURCES)
        extra = {name: document[name] for name in apart if document.get(name) is not None}
        core = {name: value for name, value in document.items() if name not in apart}
        day = core.get("aired") or {}
        wanted = (*(ORDERS & core.keys()), "type", "status", "season", "year", "rating")
        facts = {name: core.get(name) for name in wanted}
        names = [name["title"] for name in core.get("titles") or []] + [core.get("title") or ""]
        return cls(
            mal_id=core["mal_id"],
            row=row if row is not None and len(core) == len(document) else to_json(core),
            extra=extra,
            names="\n".join(dict.fromkeys(name.casefold() for name in names)),
            facts=facts | {"start_date": day.get("from"), "end_date": day.get("to")},
            genres=frozenset(
                genre["mal_id"]
                for kind in ("genres", "explicit_genres", "themes", "demographics")
                for genre in core.get(kind) or []
            ),
        )

    @property
    def members(self) -> int:
        return self.facts.get("members") or 0


class Catalogue:
    """All titles by id; lists are computed when asked for."""

    def __init__(self, titles: Iterable[Title] = ()) -> None:
        self._titles = {title.mal_id: title for title in titles}
        self._sorted: dict[tuple[str, bool], list[Title]] = {}

    def __len__(self) -> int:
        return len(self._titles)

    def get(self, mal_id: int) -> Title | None:
        return self._titles.get(mal_id)

    def put(self, partial: Mapping[str, Any]) -> None:
        """Publish a title, or change one: what ``partial`` does not say stays as it was."""
        known = self._titles.get(partial["mal_id"])
        if known:
            document = json.loads(known.row) | dict(known.extra) | dict(partial)
            if "titles" not in partial:
                del document["titles"]
            if {"status"} & partial.keys() and "airing" not in partial:
                del document["airing"]
        else:
            document = dict(partial)
        self._titles[partial["mal_id"]] = Title.of(documents.complete(document))
        self._sorted.clear()

    def remove(self, mal_id: int) -> None:
        self._titles.pop(mal_id, None)
        self._sorted.clear()

    def full(self, title: Title) -> bytes:
        name = json.loads(title.row)["title"]
        made_up = documents.full_only(title.mal_id, name)
        more = {key: title.extra.get(key, value) for key, value in made_up.items()}
        return title.row.rstrip()[:-1] + b"," + to_json(more)[1:]

    def pictures(self, title: Title) -> Any:
        return title.extra.get("pictures", documents.pictures(title.mal_id))

    def reviews(self, title: Title, *, preliminary: bool, spoilers: bool) -> list[Any]:
        airing = title.facts["status"] == _AIRING
        known = title.extra.get("reviews", documents.reviews(title.mal_id, airing=airing))
        return [
            review
            for review in known
            if (preliminary or not review.get("is_preliminary"))
            and (spoilers or not review.get("is_spoiler"))
        ]

    def search(self, query: str) -> list[Title]:
        """Every word somewhere in the titles; the most popular first."""
        found = self.by("members")
        for word in query.casefold().split():
            found = [title for title in found if word in title.names]
        return found

    def season(self, year: int, season: str) -> list[Title]:
        return self._popular(lambda f: f["year"] == year and f["season"] == season)

    def airing(self) -> list[Title]:
        return self._popular(lambda f: f["status"] == _AIRING)

    def upcoming(self) -> list[Title]:
        return self._popular(lambda f: f["status"] == _UPCOMING)

    def seasons(self) -> list[dict[str, Any]]:
        known: dict[int, set[str]] = defaultdict(set)
        for title in self._titles.values():
            if title.facts["year"] and title.facts["season"]:
                known[title.facts["year"]].add(title.facts["season"])
        return [
            {"year": year, "seasons": [s for s in _SEASONS if s in known[year]]}
            for year in sorted(known, reverse=True)
        ]

    def genres(self) -> list[dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for title in self._titles.values():
            row = json.loads(title.row)
            for kind in ("genres", "explicit_genres", "themes", "demographics"):
                for genre in row.get(kind) or []:
                    entry = {k: genre[k] for k in ("mal_id", "name", "url")} | {"count": 0}
                    found.setdefault(genre["mal_id"], entry)["count"] += 1
        return [found[mal_id] for mal_id in sorted(found)]

    def by(self, order: str, *, descending: bool = True) -> list[Title]:
        """All titles in an order of ORDERS, unknown values last, ties by id."""
        cached = self._sorted.get((order, descending))
        if cached is None:
            ranked = sorted(self._titles.values(), key=lambda t: t.mal_id)
            known = [t for t in ranked if t.facts.get(order) is not None]
            known.sort(key=lambda t: t.facts[order], reverse=descending)
            cached = known + [t for t in ranked if t.facts.get(order) is None]
            self._sorted[(order, descending)] = cached
        return cached

    def _popular(self, wanted: Callable[[Mapping[str, Any]], bool]) -> list[Title]:
        return [title for title in self.by("members") if wanted(title.facts)]


def builtin_titles() -> Iterator[Title]:
    """Some 60 well-known titles: facts, with synopses written for this file."""
    text = resources.files(__package__).joinpath("builtin.jsonl").read_text(encoding="utf-8")
    for line in text.splitlines():
        yield Title.of(documents.complete(json.loads(line)))


def titles_from(path: Path) -> Iterator[Title]:
    """Titles from JSON lines, one Anime object (or ``{"data": …}``) a line, ``.gz`` or not."""
    opened: Callable[..., IO[str]] = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _title(line.strip(), f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as e:
        raise PgjikanError(f"cannot read {path}: {e}", hint="a file of JSON lines") from e


def _title(line: str, place: str) -> Title:
    try:
        document = json.loads(line)
        if "mal_id" not in document:
            return Title.of(document["data"])
        return Title.of(document, line.encode())
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise PgjikanError(
            f"{place}: not a Jikan Anime object ({type(e).__name__}: {e})",
            hint="one Anime object a line, as pgjikan load reads them",
        ) from e
