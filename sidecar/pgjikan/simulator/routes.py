"""From a path and a query to an honest answer: what a healthy Jikan v4 would say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pgjikan.simulator import answers, documents
from pgjikan.simulator.answers import Answer, to_json
from pgjikan.simulator.data import ORDERS, Catalogue, Title

MAX_LIMIT = 25
MAX_QUERY = 255
MAX_KNOWN_ID = 2_147_483_647  # beyond it MyAnimeList fails, and Jikan says 500, not 404

Query = Mapping[str, str]
_TYPES = {"TV", "Movie", "OVA", "Special", "ONA", "Music", "CM", "PV", "TV Special"}
_STATUSES = {
    "airing": "Currently Airing",
    "complete": "Finished Airing",
    "upcoming": "Not yet aired",
}
_ROUTES = {
    "search": r"/anime",
    "anime": r"/anime/(\d+)",
    "full": r"/anime/(\d+)/full",
    "pictures": r"/anime/(\d+)/pictures",
    "reviews": r"/anime/(\d+)/reviews",
    "seasons": r"/seasons",
    "seasons_now": r"/seasons/now",
    "seasons_upcoming": r"/seasons/upcoming",
    "season": r"/seasons/(\d{4})/(winter|spring|summer|fall)",
    "top": r"/top/anime",
    "genres": r"/genres/anime",
}


class InvalidQuery(Exception):
    """A parameter that Jikan refuses."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.messages = {name: [message]}


def kind_of(path: str, query: Query) -> tuple[str, tuple[str, ...]]:
    """What is asked for, and about what; ``unknown`` for no route, ``catalogue`` for all by id."""
    for kind, pattern in _ROUTES.items():
        if found := re.fullmatch(pattern, path):
            by_id = kind == "search" and "q" not in query and query.get("order_by") == "mal_id"
            return "catalogue" if by_id else kind, found.groups()
    return "unknown", ()


def answer(catalogue: Catalogue, path: str, query: Query, *, shifted: int = 0) -> Answer:
    """The honest answer; ``shifted`` slides list pages by so many titles, as if some were new."""
    kind, subject = kind_of(path, query)
    try:
        if kind in _SINGLES:
            return _about_one(catalogue, kind, int(subject[0]), path, query)
        if kind == "seasons":
            pagination = {"last_visible_page": 1, "has_next_page": False}
            listed = {"pagination": pagination, "data": catalogue.seasons()}
            return answers.single(path, to_json(listed))
        if kind == "genres":
            return answers.single(path, b'{"data":%b}' % to_json(catalogue.genres()))
        if kind in ("search", "catalogue"):
            return answers.search_page(_page(_found(catalogue, query), query, shifted))
        if kind == "top":
            return answers.season_page(_page(_top(catalogue, query), query, shifted))
        if kind in _SEASON_LISTS:
            titles = _kept(_SEASON_LISTS[kind](catalogue, *subject), query)
            return answers.season_page(_page(titles, query, shifted))
    except InvalidQuery as e:
        return answers.validation_failed(e.messages)
    return answers.no_route()


_SINGLES = frozenset({"anime", "full", "pictures", "reviews"})
_SEASON_LISTS: dict[str, Callable[..., list[Title]]] = {
    "seasons_now": lambda catalogue: catalogue.airing(),
    "seasons_upcoming": lambda catalogue: catalogue.upcoming(),
    "season": lambda catalogue, year, season: catalogue.season(int(year), season),
}


def _about_one(catalogue: Catalogue, kind: str, mal_id: int, path: str, query: Query) -> Answer:
    if mal_id > MAX_KNOWN_ID:
        return answers.upstream_failed(path)
    title = catalogue.get(mal_id)
    if title is None:
        return answers.missing(f"/anime/{mal_id}")
    if kind == "reviews":
        return answers.single(path, to_json(_reviews(catalogue, title, query)))
    if kind == "pictures":
        return answers.single(path, to_json({"data": catalogue.pictures(title)}))
    row = catalogue.full(title) if kind == "full" else title.row
    return answers.single(path, b'{"data":%b}' % row)


def _reviews(catalogue: Catalogue, title: Title, query: Query) -> dict[str, Any]:
    """20 a page; the pagination has two fields, of which last_visible_page is wrong."""
    page = _integer(query, "page", 1, at_least=1)
    known = catalogue.reviews(
        title,
        preliminary=query.get("preliminary") == "true",
        spoilers=query.get("spoilers") == "true",
    )
    end = page * documents.REVIEWS_PER_PAGE
    pagination = {"last_visible_page": 1, "has_next_page": len(known) > end}
    return {"pagination": pagination, "data": known[end - documents.REVIEWS_PER_PAGE : end]}


def _found(catalogue: Catalogue, query: Query) -> list[Title]:
    text, order = query.get("q", ""), query.get("order_by")
    if len(text) > MAX_QUERY:
        raise InvalidQuery("q", f"The q may not be greater than {MAX_QUERY} characters.")
    if order is not None and order not in ORDERS:
        raise InvalidQuery("order_by", "The selected order by is invalid.")
    if query.get("sort", "asc") not in ("asc", "desc"):
        raise InvalidQuery("sort", "The selected sort is invalid.")
    if order:
        found = catalogue.by(order, descending=query.get("sort") == "desc")
        if text:
            matching = {title.mal_id for title in catalogue.search(text)}
            found = [title for title in found if title.mal_id in matching]
    else:
        found = catalogue.search(text) if text else catalogue.by("mal_id", descending=False)
    return _kept(found, query)


def _top(catalogue: Catalogue, query: Query) -> list[Title]:
    match query.get("filter"):
        case "airing":
            listed = catalogue.airing()
        case "upcoming":
            listed = catalogue.upcoming()
        case "bypopularity":
            listed = catalogue.by("members")
        case "favorite":
            listed = catalogue.by("favorites")
        case None:
            listed = catalogue.by("score")
        case _:
            raise InvalidQuery("filter", "The selected filter is invalid.")
    return _kept(listed, query)


def _kept(titles: list[Title], query: Query) -> list[Title]:
    """The filters that searches and lists share."""
    kind = (query.get("type") or query.get("filter") or "").replace("_", " ").lower()
    kinds = {known for known in _TYPES if known.lower() == kind}
    if query.get("type") and not kinds:
        raise InvalidQuery("type", "The selected type is invalid.")
    status = query.get("status")
    if status is not None and status not in _STATUSES:
        raise InvalidQuery("status", "The selected status is invalid.")
    least, most = _score(query, "min_score", 0.0), _score(query, "max_score", 10.0)
    genres = {int(number) for number in re.findall(r"\d+", query.get("genres", ""))}
    tame = query.get("sfw", "false") not in ("false", "0")
    if not (kinds or status or genres or tame or {"min_score", "max_score"} & query.keys()):
        return titles
    return [
        title
        for title in titles
        if (not kinds or title.facts["type"] in kinds)
        and (status is None or title.facts["status"] == _STATUSES[status])
        and genres <= title.genres
        and not (tame and str(title.facts["rating"]).startswith("Rx"))
        and least <= (title.facts.get("score") or 0.0) <= most
    ]


def _page(titles: list[Title], query: Query, shifted: int) -> bytes:
    limit = _integer(query, "limit", MAX_LIMIT, at_least=1)
    if limit > MAX_LIMIT:
        message = f"Value {limit} is higher than the configured '{MAX_LIMIT}' max value."
        raise InvalidQuery("limit", message)
    page = _integer(query, "page", 1, at_least=1)
    start = max(0, (page - 1) * limit - shifted)
    rows = [title.row for title in titles[start : start + limit]]
    return answers.page_body(rows, page=page, limit=limit, total=len(titles) + shifted)


def _integer(query: Query, name: str, default: int, *, at_least: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise InvalidQuery(name, f"The {name} must be an integer.")
    if int(text) < at_least:
        raise InvalidQuery(name, f"The {name} must be at least {at_least}.")
    return int(text)


def _score(query: Query, name: str, default: float) -> float:
    try:
        value = float(query.get(name, default))
    except ValueError:
        label = name.replace("_", " ")
        raise InvalidQuery(name, f"The {label} must be a number.") from None
    return value
