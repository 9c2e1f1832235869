"""What Jikan says, honest or failing: bodies and headers as recorded from the real one."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Answer:
    """One response before it is put on the wire (or spoilt by a fault)."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def single(path: str, body: bytes) -> Answer:
    """One resource: it carries a fingerprint, Last-Modified, and Expires a day later."""
    digest = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
    modified = time.time() // DAY * DAY
    return Answer(
        200,
        body,
        {
            "Cache-Control": f"public, s-maxage={DAY}",
            "X-Request-Fingerprint": f"request:anime:{digest}",
            "Last-Modified": formatdate(modified, usegmt=True),
            "Expires": formatdate(modified + DAY, usegmt=True),
        },
    )


def search_page(body: bytes) -> Answer:
    """A search answer: never cached upstream, and its Expires is no date."""
    headers = {"Cache-Control": "must-revalidate, private", "Pragma": "no-cache", "Expires": "-1"}
    return Answer(200, body, headers)


def season_page(body: bytes) -> Answer:
    """A season answer: the provider dates it to the beginning of time."""
    headers = {
        "Cache-Control": f"public, s-maxage={DAY}",
        "Last-Modified": formatdate(0, usegmt=True),
        "Expires": formatdate(DAY, usegmt=True),
    }
    return Answer(200, body, headers)


def page_body(rows: list[bytes], *, page: int, limit: int, total: int) -> bytes:
    last = max(1, -(-total // limit))
    pagination = {
        "last_visible_page": last,
        "has_next_page": page < last,
        "current_page": page,
        "items": {"count": len(rows), "total": total, "per_page": limit},
    }
    return b'{"pagination":%b,"data":[%b]}' % (to_json(pagination), b",".join(rows))


def failed(
    status: int, kind: str, message: str, error: str | None = None, *, as_text: bool = False
) -> Answer:
    """An error body; the proxy in front writes the status as text, Jikan itself as a number."""
    said = {
        "status": str(status) if as_text else status,
        "type": kind,
        "message": message,
        "error": error,
    }
    return Answer(status, to_json(said))


def validation_failed(messages: dict[str, list[str]]) -> Answer:
    said = {
        "status": 400,
        "type": "ValidationException",
        "messages": messages,
        "error": "Invalid or incomplete request. Make sure your request is correct. "
        "https://docs.api.jikan.moe/",
    }
    return Answer(400, to_json(said))


def missing(path: str) -> Answer:
    error = f"404 on https://myanimelist.net{path}/"
    return failed(404, "BadResponseException", "Resource does not exist", error)


def no_route() -> Answer:
    return failed(404, "HttpException", "Not Found")


def rate_limited(retry_after: str | None = None, *, as_text: bool = True) -> Answer:
    answer = failed(
        429,
        "RateLimitException",
        "You are being rate-limited. Please follow Rate Limiting guidelines: "
        "https://jikan.docs.apiary.io/#introduction/information/rate-limiting",
        as_text=as_text,
    )
    return Answer(429, answer.body, {"Retry-After": retry_after} if retry_after else {})


def upstream_failed(path: str) -> Answer:
    return failed(
        500,
        "UpstreamException",
        "Request to MyAnimeList.net failed. MyAnimeList.net may be down/unavailable, refuses to "
        "connect or took too long to respond. Please try again later.",
        "Unsupported response code in HTTP response for "
        f'"https://myanimelist.net{path.removesuffix("/full")}/".',
    )


def maintenance(retry_after: str | None = None) -> Answer:
    answer = failed(503, "HttpException", "Service Unavailable: down for maintenance")
    return Answer(503, answer.body, {"Retry-After": retry_after} if retry_after else {})


def gateway_timeout() -> Answer:
    return failed(
        504,
        "BadResponseException",
        "Jikan failed to connect to MyAnimeList. MyAnimeList may be down/unavailable or refuses "
        "to connect",
        as_text=True,
    )


def html(status: int, title: str) -> Answer:
    text = (
        f"<html>\n<head><title>{title}</title></head>\n"
        f"<body><center><h1>{title}</h1></center><hr><center>nginx</center></body>\n</html>\n"
    )
    return Answer(status, text.encode(), {"Content-Type": "text/html"})
