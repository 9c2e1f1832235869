"""Small Jikan documents of our own: facts about real anime, sentences of ours."""

from __future__ import annotations

from typing import Any


def entry(mal_id: int, name: str) -> dict[str, Any]:
    return {"mal_id": mal_id, "type": "anime", "name": name, "url": f"https://example.org/{mal_id}"}


def anime(mal_id: int = 1, **changes: Any) -> dict[str, Any]:
    """An Anime object as a list page has it."""
    title = changes.get("title", "Cowboy Bebop")
    document = {
        "mal_id": mal_id,
        "url": f"https://myanimelist.net/anime/{mal_id}",
        "images": {"jpg": {"image_url": f"https://example.org/{mal_id}.jpg"}},
        "trailer": {"youtube_id": None, "url": None, "embed_url": None},
        "approved": True,
        "titles": [{"type": "Default", "title": title}],
        "title": title,
        "title_english": title,
        "title_japanese": None,
        "title_synonyms": [],
        "type": "TV",
        "source": "Original",
        "episodes": 26,
        "status": "Finished Airing",
        "airing": False,
        "aired": {"from": "1998-04-03T00:00:00+00:00", "to": "1999-04-24T00:00:00+00:00"},
        "duration": "24 min per ep",
        "rating": "R - 17+ (violence & profanity)",
        "score": 8.75,
        "scored_by": 1000,
        "rank": 40,
        "popularity": 43,
        "members": 1_700_000,
        "favorites": 70_000,
        "synopsis": "Bounty hunters drift through space and never catch a break.",
        "background": "",
        "season": "spring",
        "year": 1998,
        "broadcast": {"day": "Saturdays", "time": "01:00", "timezone": "Asia/Tokyo"},
        "producers": [entry(23, "Bandai Visual")],
        "licensors": [],
        "studios": [entry(14, "Sunrise")],
        "genres": [entry(1, "Action"), entry(24, "Sci-Fi")],
        "explicit_genres": [],
        "themes": [entry(29, "Space")],
        "demographics": [],
    }
    return {**document, **changes}


def full(mal_id: int = 1, **changes: Any) -> dict[str, Any]:
    """An Anime object as /anime/{id}/full has it."""
    parts = {
        "relations": [
            {"relation": "Side Story", "entry": [entry(5, "Cowboy Bebop: The Movie")]},
            {
                "relation": "Adaptation",
                "entry": [{**entry(173, "Cowboy Bebop"), "type": "manga"}],
            },
        ],
        "theme": {"openings": ["1: Tank! by The Seatbelts"], "endings": ["The Real Folk Blues"]},
        "external": [{"name": "Official Site", "url": "https://example.org/bebop"}],
        "streaming": [{"name": "A Stream", "url": "https://example.org/stream"}],
    }
    return {**parts, **anime(mal_id, **changes)}
