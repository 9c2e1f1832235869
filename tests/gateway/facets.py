"""One title with all its facets, in sentences of ours."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from tests.store.documents import full

_IMAGE = {"image_url": "https://example.org/i.jpg"}
_IMAGES = {
    kind: {"image_url": f"https://example.org/i.{kind}", "small_image_url": None,
           "large_image_url": None}
    for kind in ("jpg", "webp")
}  # fmt: skip
_PERSON = {
    "mal_id": 11, "url": "https://example.org/p/11", "images": {"jpg": _IMAGE}, "name": "Yamada, A",
}  # fmt: skip
_EPISODE = {
    "mal_id": 1, "url": "https://example.org/e/1", "title": "First", "title_japanese": "一",
    "title_romanji": "Ichi", "aired": "1998-10-24T00:00:00+00:00", "score": 4.33, "filler": False,
    "recap": False, "forum_url": "https://example.org/f/1",
}  # fmt: skip
_WATCHED = {
    "mal_id": 1, "title": "First", "episode": "Episode 1", "url": "https://example.org/e/1",
    "images": {"jpg": _IMAGE},
}  # fmt: skip
_END = {"last_visible_page": 1, "has_next_page": False}

#: Facet and page: `data` and `pagination` as an upstream gives them.
FACETS: dict[tuple[str, int], tuple[Any, Any]] = {
    ("characters", 1): (
        [
            {
                "character": {
                    "mal_id": 3, "url": "https://example.org/c/3", "images": _IMAGES,
                    "name": "Black, B",
                },
                "role": "Main",
                "favorites": 5,
                "voice_actors": [{"person": _PERSON, "language": "Japanese"}],
            }
        ],
        None,
    ),
    ("staff", 1): ([{"person": _PERSON, "positions": ["Director"]}], None),
    ("episodes", 1): ([_EPISODE], _END),
    ("episode", 1): (
        {
            "mal_id": 1, "url": "https://example.org/e/1", "title": "First", "title_japanese": "一",
            "title_romanji": "Ichi", "duration": 1440, "aired": "1998-10-24T00:00:00+00:00",
            "filler": False, "recap": False, "synopsis": "It begins.",
        },
        None,
    ),
    ("videos", 1): (
        {
            "promo": [
                {
                    "title": "PV 1",
                    "trailer": {
                        "youtube_id": None, "url": None, "embed_url": "https://example.org/v",
                        "images": {
                            "image_url": None, "small_image_url": None, "medium_image_url": None,
                            "large_image_url": None, "maximum_image_url": None,
                        },
                    },
                }
            ],
            "episodes": [_WATCHED],
            "music_videos": [],
        },
        None,
    ),
    ("statistics", 1): (
        {
            "watching": 1, "completed": 2, "on_hold": 3, "dropped": 4, "plan_to_watch": 5,
            "total": 15, "scores": [{"score": 10, "votes": 7, "percentage": 100}],
        },
        None,
    ),
    ("news", 1): (
        [
            {
                "mal_id": 1, "url": "https://example.org/n/1", "title": "News",
                "date": "2024-01-01T00:00:00+00:00", "author_username": "a",
                "author_url": "https://example.org/a", "forum_url": "https://example.org/f",
                "images": {"jpg": _IMAGE}, "comments": 0, "excerpt": "It is new.",
            }
        ],
        _END,
    ),
    ("moreinfo", 1): ({"moreinfo": "There is more."}, None),
    ("recommendations", 1): (
        [
            {
                "entry": {
                    "mal_id": 5, "url": "https://example.org/5", "images": _IMAGES, "title": "B",
                },
                "url": "https://myanimelist.net/recommendations/anime/1-5",
                "votes": 2,
            }
        ],
        None,
    ),
}  # fmt: skip


def store_whole(connection: psycopg.Connection[Any]) -> None:
    """Store title 1 with everything that a route of the API can ask of it."""
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb, 'full')", [json.dumps([full(1)])])
    connection.execute("SELECT jikan_sync.store_pictures(1, %s::jsonb)", [json.dumps([_IMAGES])])
    review = {
        "mal_id": 9, "url": "https://example.org/r/9", "type": "anime",
        "reactions": {
            "overall": 1, "nice": 1, "love_it": 0, "funny": 0, "confusing": 0, "informative": 0,
            "well_written": 0, "creative": 0,
        },
        "date": "2024-01-02T03:04:05+00:00", "review": "Good.", "score": 8,
        "tags": ["Recommended"], "is_spoiler": False, "is_preliminary": False,
        "episodes_watched": None,
        "user": {
            "url": "https://example.org/u", "username": "u",
            "images": {"jpg": {"image_url": None}, "webp": {"image_url": None}},
        },
    }  # fmt: skip
    connection.execute("SELECT jikan_sync.store_reviews(1, %s::jsonb)", [json.dumps([review])])
    for (facet, page), (body, pagination) in FACETS.items():
        connection.execute(
            "INSERT INTO jikan.facet_document (anime_id, facet, page, body, pagination, hash)"
            " SELECT id, %s, %s, %s::json, %s::json, 0 FROM jikan.anime WHERE mal_id = 1",
            [facet, page, json.dumps(body), json.dumps(pagination) if pagination else None],
        )
        if facet != "episode":  # that has no age of its own
            connection.execute(
                "SELECT jikan_sync.note_stored(%s, 1, jikan_sync.clock_now())", [facet]
            )
    pair = {
        "mal_id": "1-5",
        "entry": [
            {"mal_id": m, "url": f"https://example.org/{m}", "images": _IMAGES, "title": "T"}
            for m in (1, 5)
        ],
        "content": "Alike.",
        "date": "2024-01-01T00:00:00+00:00",
        "user": {"url": "https://example.org/u", "username": "u"},
    }
    connection.execute(
        "INSERT INTO jikan.list_document (path, page, body, pagination, hash, synced_at)"
        " VALUES ('recommendations/anime', 1, %s::json, %s::json, 0, now())",
        [json.dumps([pair]), json.dumps(_END)],
    )
