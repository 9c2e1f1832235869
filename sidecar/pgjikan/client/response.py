"""What became of one request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Outcome = Literal[
    "ok",
    "not_found",
    "not_yet",
    "rate_limited",
    "rejected",
    "upstream_error",
    "transport_error",
    "invalid",
]


@dataclass(frozen=True, slots=True)
class Response:
    """What became of one request. ``message`` is short and safe to log; ``body`` is neither.

    ``moved_to`` is the mal_id to which the upstream sends who asks for a title that is gone,
    ``refusal`` the JSON of its own words where it answered with an error.
    """

    outcome: Outcome
    status: int | None = None
    body: str | None = field(default=None, repr=False)
    retry_after_seconds: float | None = None
    message: str = ""
    bytes: int = 0
    elapsed_ms: float = 0.0
    last_modified: datetime | None = None
    expires: datetime | None = None
    location: str | None = field(default=None, repr=False)
    moved_to: int | None = None
    refusal: str | None = field(default=None, repr=False)
