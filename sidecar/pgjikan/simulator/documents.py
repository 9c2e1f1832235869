"""Jikan Anime documents: completing partial ones, and making up what only /full and kin give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FULL_ONLY = ("relations", "theme", "external", "streaming")
SIDE_RESOURCES = ("pictures", "reviews")
REVIEWS_PER_PAGE = 20


def complete(partial: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of Jikan's Anime object; only ``mal_id`` has to be given.

    Genres, studios and the like may be given as ``[id, name]`` pairs.
    """
    mal_id = partial["mal_id"]
    title = partial.get("title") or f"Anime {mal_id}"
    url = f"https://myanimelist.net/anime/{mal_id}"
    kinds = (("Japanese", "title_japanese"), ("English", "title_english"))
    titles = [{"type": "Default", "title": title}]
    titles += [{"type": "Synonym", "title": name} for name in partial.get("title_synonyms") or []]
    titles += [
        {"type": kind, "title": partial[key]} for kind, key in kinds if partial.get(key) is not None
    ]
    status = partial.get("status", "Finished Airing")
    document: dict[str, Any] = {
        "mal_id": mal_id,
        "url": url,
        "images": {kind: _image(mal_id, kind) for kind in ("jpg", "webp")},
        "trailer": {
            "youtube_id": None,
            "url": None,
            "embed_url": None,
            "images": {
                f"{size}image_url": None for size in ("", "small_", "medium_", "large_", "maximum_")
            },
        },
        "approved": True,
        "titles": titles,
        "title": title,
        "title_english": None,
        "title_japanese": None,
        "title_synonyms": [],
        "type": "TV",
        "source": None,
        "episodes": None,
        "status": status,
        "airing": status == "Currently Airing",
        "aired": aired(partial.get("aired_from"), partial.get("aired_to")),
        "duration": "Unknown",
        "rating": None,
        "score": None,
        "scored_by": None,
        "rank": None,
        "popularity": None,
        "members": 0,
        "favorites": 0,
        "synopsis": None,
        "background": "",
        "season": None,
        "year": None,
        "broadcast": {"day": None, "time": None, "timezone": None, "string": None},
        **{name: [] for name in ("producers", "licensors", "studios", "genres")},
        **{name: [] for name in ("explicit_genres", "themes", "demographics")},
    }
    extra = ("relations", "theme", "external", "streaming", "pictures", "reviews")
    known = document.keys() | set(extra)
    document |= {
        name: [_entry(item) for item in value] if name in _ENTRY_LISTS else value
        for name, value in partial.items()
        if name in known
    }
    return document


_ENTRY_LISTS = frozenset(
    {"producers", "licensors", "studios", "genres", "explicit_genres", "themes", "demographics"}
)


def _entry(item: Any) -> Any:
    if not isinstance(item, list | tuple):
        return item
    mal_id, name = item
    path = f"anime/genre/{mal_id}/{name.replace(' ', '_')}"
    return {
        "mal_id": mal_id,
        "type": "anime",
        "name": name,
        "url": f"https://myanimelist.net/{path}",
    }


def _image(mal_id: int, kind: str, number: int = 0) -> dict[str, str]:
    stem = f"https://cdn.myanimelist.net/images/anime/{number}/{mal_id}"
    return {
        "image_url": f"{stem}.{kind}",
        "small_image_url": f"{stem}t.{kind}",
        "large_image_url": f"{stem}l.{kind}",
    }


def aired(start: str | None, end: str | None) -> dict[str, Any]:
    """Jikan's ``aired`` from two days, ``YYYY-MM-DD`` each."""

    def moment(day: str | None) -> str | None:
        return f"{day}T00:00:00+00:00" if day else None

    def parts(day: str | None) -> dict[str, int | None]:
        if not day:
            return {"day": None, "month": None, "year": None}
        year, month, number = (int(part) for part in day.split("-"))
        return {"day": number, "month": month, "year": year}

    return {
        "from": moment(start),
        "to": moment(end),
        "prop": {"from": parts(start), "to": parts(end)},
        "string": f"{start or '?'} to {end or '?'}" if start != end else start or "Not available",
    }


def full_only(mal_id: int, title: str) -> dict[str, Any]:
    """What /full adds, made up for a title whose data does not say."""
    return {
        "relations": [],
        "theme": {
            "openings": [f'"Opening of {title}" by The Stand-ins (eps 1-12)'],
            "endings": [f'1: "Ending of {title}" by The Stand-ins (eps 1-12)'],
        },
        "external": [{"name": "Official Site", "url": f"https://example.org/anime/{mal_id}"}],
        "streaming": [{"name": "Example Stream", "url": f"https://example.org/watch/{mal_id}"}],
    }


def pictures(mal_id: int) -> list[dict[str, Any]]:
    return [{kind: _image(mal_id, kind, n) for kind in ("jpg", "webp")} for n in (0, 1, 2)]


def reviews(mal_id: int, *, airing: bool) -> list[dict[str, Any]]:
    """21 to 45 reviews, so two or three pages; while a show airs all are preliminary."""
    image = {"jpg": {"image_url": None}, "webp": {"image_url": None}}
    return [
        {
            "mal_id": mal_id * 1000 + number,
            "url": f"https://myanimelist.net/reviews.php?id={mal_id * 1000 + number}",
            "type": "anime",
            "reactions": {
                "overall": 100 - number,
                **{name: number for name in ("nice", "love_it", "funny", "confusing")},
                **{name: 0 for name in ("informative", "well_written", "creative")},
            },
            "date": f"2024-01-{number % 28 + 1:02}T12:00:00+00:00",
            "review": f"Made-up review number {number} of title {mal_id}.",
            "score": number % 10 + 1,
            "tags": ["Recommended" if number % 10 >= 5 else "Not Recommended"],
            "is_spoiler": number % 7 == 0,
            "is_preliminary": airing,
            "episodes_watched": number if airing else None,
            "user": {
                "url": f"https://myanimelist.net/profile/user{number}",
                "username": f"user{number}",
                "images": image,
            },
        }
        for number in range(21 + mal_id % 25)
    ]
