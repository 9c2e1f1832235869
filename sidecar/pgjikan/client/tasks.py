"""Whether an answer is to the question that was asked."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin


def mismatch(task_kind: str, mal_id: int | None, document: Any) -> str | None:
    """Why ``document`` cannot be the answer to a task; None where it can.

    A title must be the one that was asked for, a list a list of objects. Of a facet any ``data``
    will do: what it has to look like is for the database to say.
    """
    data = document.get("data") if isinstance(document, dict) else None
    if task_kind == "anime":
        got = data.get("mal_id") if isinstance(data, dict) else None
        return (
            None
            if type(got) is int and got == mal_id
            else f"asked for mal_id {mal_id}, got {got!r}"
        )
    if task_kind != "facet":
        if not isinstance(data, list):
            return "asked for a list, got no list in data"
        if data and not any(isinstance(item, dict) for item in data):
            return "asked for a list of objects, got none"
    pagination = document.get("pagination")
    if pagination is not None:
        more = pagination.get("has_next_page") if isinstance(pagination, dict) else None
        if not isinstance(more, bool):
            return "pagination without has_next_page"
    return None


def moved_to(path: str, root: str, location: str) -> int | None:
    """The title to which a redirect of ``path`` leads: MyAnimeList merges entries of one anime.

    ``location`` must be the same part of another title, or the title itself, under the same base
    URL ``root``; else None: a provider that moved is a change of its base URL.
    """
    asked = re.fullmatch(r"/anime/(\d+)(/\w+)?(\?.*)?", path)
    if asked is None:
        return None
    try:
        target = urljoin(root + path, location)
    except ValueError:
        return None
    part = f"(?:{asked[2]})?" if asked[2] else ""
    found = re.fullmatch(rf"{re.escape(root)}/anime/([1-9]\d{{0,8}}){part}/?", target, re.ASCII)
    return int(found[1]) if found and found[1] != asked[1] else None
