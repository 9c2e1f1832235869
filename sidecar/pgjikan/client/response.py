"""What became of one request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Outcome = Literal[
    "ok", "not_found", "rate_limited", "rejected", "upstream_error", "transport_error", "invalid"
]


@dataclass(frozen=True, slots=True)
class Response:
    """What became of one request. ``message`` is short and safe to log; ``body`` is neither."""

    outcome: Outcome
    status: int | None = None
    body: str | None = field(default=None, repr=False)
    retry_after_seconds: float | None = None
    message: str = ""
    bytes: int = 0
    elapsed_ms: float = 0.0
    last_modified: datetime | None = None
    expires: datetime | None = None
