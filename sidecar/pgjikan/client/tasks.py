"""What to ask for a task, and whether the answer is to that question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PAGE_SIZE = 25  # the most that Jikan gives
MAX_QUERY = 255

_SEASONS = frozenset({"winter", "spring", "summer", "fall"})
_SEASON_LISTS = frozenset({"now", "upcoming"})


def request_for(task_kind: str, payload: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The path and parameters for a task; raises ValueError for one that cannot be asked.

    Payload keys: ``mal_id`` (anime, pictures, reviews), ``query`` (search), ``year`` and
    ``season``, or ``season`` alone as ``now``, ``upcoming`` or ``airing`` (season); for lists also
    ``page``.
    """
    page = {"page": str(_positive(payload, "page", default=1))}
    listed = {"limit": str(PAGE_SIZE), **page}
    match task_kind:
        case "anime":
            return f"/anime/{_positive(payload, 'mal_id')}/full", {}
        case "pictures":
            return f"/anime/{_positive(payload, 'mal_id')}/pictures", {}
        case "reviews":  # without the two flags airing shows look empty
            everything = {"preliminary": "true", "spoilers": "true"}
            return f"/anime/{_positive(payload, 'mal_id')}/reviews", {**everything, **page}
        case "search":
            query = payload.get("query")
            if not isinstance(query, str) or not query.strip() or len(query) > MAX_QUERY:
                raise ValueError(f"search: query must be text of 1 to {MAX_QUERY} characters")
            return "/anime", {"q": query, **listed}
        case "season":
            season = payload.get("season")
            if season == "airing":  # all that airs: season pages leave the long runners out
                airing = {"status": "airing", "order_by": "mal_id", "sort": "asc"}
                return "/anime", {**airing, **listed}
            if season in _SEASON_LISTS:
                return f"/seasons/{season}", listed
            if season not in _SEASONS:
                raise ValueError(
                    "season: must be winter, spring, summer, fall, now, upcoming or airing"
                )
            return f"/seasons/{_positive(payload, 'year')}/{season}", listed
        case "catalogue":
            return "/anime", {"order_by": "mal_id", "sort": "asc", **listed}
    raise ValueError(f"no request for a task of kind {task_kind!r}")


def document_matches(task_kind: str, payload: Mapping[str, Any], body: str) -> bool:
    """Whether ``body`` answers the question: the right shape, and the title that was asked for."""
    return mismatch(task_kind, payload, json.loads(body)) is None


def mismatch(task_kind: str, payload: Mapping[str, Any], document: Any) -> str | None:
    data = document.get("data") if isinstance(document, dict) else None
    if task_kind == "anime":
        got = data.get("mal_id") if isinstance(data, dict) else None
        if type(got) is int and got == payload.get("mal_id"):
            return None
        return f"asked for mal_id {payload.get('mal_id')}, got {got!r}"
    if not isinstance(data, list):
        return "asked for a list, got no list in data"
    if data and not any(isinstance(item, dict) for item in data):
        return "asked for a list of objects, got none"
    pagination = document.get("pagination")
    if task_kind != "pictures" and pagination is not None:
        more = pagination.get("has_next_page") if isinstance(pagination, dict) else None
        if not isinstance(more, bool):
            return "pagination without has_next_page"
    return None


def _positive(payload: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = payload.get(name, default)
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be a positive whole number")
    return value
