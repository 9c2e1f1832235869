"""What a task asks for, by the documentation: the oracle of jikan_sync.request_path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

PAGE_SIZE = 25  # the most that Jikan gives


def request_for(task_kind: str, payload: Mapping[str, Any]) -> str:
    """Path and query of a task."""
    page = payload.get("page", 1)
    listed = {"limit": PAGE_SIZE, "page": page}
    mal_id = payload.get("mal_id")
    match task_kind:
        case "anime":
            return f"/anime/{mal_id}/full"
        case "images":
            return f"/anime/{mal_id}/pictures"
        case "reviews":  # without the two flags airing shows look empty
            return f"/anime/{mal_id}/reviews?preliminary=true&spoilers=true&page={page}"
        case "search":
            return _with("/anime", {"q": payload["query"], **listed})
        case "season":
            season = payload["season"]
            if season == "airing":
                return _with("/anime", {"status": "airing", **_IN_ORDER, **listed})
            year = f"{payload['year']}/" if "year" in payload else ""
            return _with(f"/seasons/{year}{season}", listed)
        case "catalogue":
            return _with("/anime", {**_IN_ORDER, **listed})
    return f"/anime/{mal_id}/{task_kind}"


_IN_ORDER = {"order_by": "mal_id", "sort": "asc"}


def _with(path: str, parameters: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(parameters, quote_via=quote, safe='')}"
