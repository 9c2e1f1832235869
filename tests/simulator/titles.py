"""What the tests' simulators know: some 60 well-known titles, facts with synopses of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pgjikan.simulator.catalogue import Catalogue

#: Titles whose pictures and reviews are known too.
WITH_PARTS = (1, 5, 20, 21, 1535, 16498, 52991)
_FILE = Path(__file__).with_name("titles.jsonl")


def titles() -> list[dict[str, Any]]:
    """The documents, as /anime/{id}/full has them."""
    return [json.loads(line) for line in _FILE.read_text(encoding="utf-8").splitlines()]


def fill(dsn: str) -> None:
    """Store them all in a database with the project deployed."""
    catalogue = Catalogue(dsn)
    try:
        documents = titles()
        catalogue.fill(documents)
        for document in documents:
            mal_id = document["mal_id"]
            catalogue.add_part(mal_id, "images", pictures(mal_id))
            if mal_id in WITH_PARTS:
                airing = document["status"] == "Currently Airing"
                catalogue.add_part(mal_id, "reviews", reviews(mal_id, airing=airing))
    finally:
        catalogue.close()


def pictures(mal_id: int) -> list[dict[str, Any]]:
    """Three pictures that there are not."""

    def image(kind: str, number: int) -> dict[str, str]:
        stem = f"https://cdn.myanimelist.net/images/anime/{number}/{mal_id}"
        return {
            "image_url": f"{stem}.{kind}",
            "small_image_url": f"{stem}t.{kind}",
            "large_image_url": f"{stem}l.{kind}",
        }

    return [{kind: image(kind, number) for kind in ("jpg", "webp")} for number in (0, 1, 2)]


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
