"""What a request is told that the database never sees, in the shape that Jikan's errors have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, before it is put on the wire."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Seconds that it may be said again without asking.
    keep_for: float = 0.0
    #: False: what it lacks was not to be asked for.
    asks: bool = True


def refusal(status: int, kind: str, message: str, **headers: str) -> Reply:
    """An error of Jikan's shape."""
    said = {"status": status, "type": kind, "message": message, "error": None}
    body = json.dumps(said, separators=(",", ":")).encode()
    return Reply(status, body, {"Cache-Control": "no-cache, private", **headers})


WRONG_METHOD = refusal(405, "HttpException", "Method Not Allowed", Allow="GET, HEAD, OPTIONS")
BAD_REQUEST = refusal(400, "HttpException", "Bad Request", Connection="close")
HEAD_TOO_LARGE = refusal(
    431, "HttpException", "Request Header Fields Too Large", Connection="close"
)
URL_TOO_LONG = refusal(414, "HttpException", "URI Too Long", Connection="close")
BODY_UNWANTED = refusal(413, "HttpException", "Payload Too Large", Connection="close")
RATE_LIMITED = refusal(
    429,
    "RateLimitException",
    "You are being rate-limited. Please follow Rate Limiting guidelines: "
    "https://jikan.docs.apiary.io/#introduction/information/rate-limiting",
    **{"Retry-After": "10"},
)
NO_DATABASE = refusal(503, "HttpException", "Service Unavailable", **{"Retry-After": "5"})
FAILED = refusal(500, "InternalException", "Internal Server Error")
UPSTREAM_FAILED = refusal(
    504,
    "BadResponseException",
    "Jikan failed to connect to MyAnimeList. MyAnimeList may be down/unavailable or refuses "
    "to connect",
    **{"Retry-After": "30"},
)
