"""The many shapes of a failure, and the one outcome of each."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3

from pgjikan.client.response import Outcome
from pgjikan.client.wire import BodyError, decoded

#: What another pgjikan's gateway says with the 504 of what it has asked for itself.
NOT_YET = ("X-Pgjikan", "not-yet")

MAX_ERROR_BYTES = 65_536
MAX_MESSAGE = 300
_REJECTED_STATUSES = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431})


def error_body(reply: requests.Response) -> tuple[dict[str, Any], str]:
    """The error object ({} for anything else) and the text; whatever ails it, the status counts."""
    raw = b""
    try:
        for part in decoded(reply, MAX_ERROR_BYTES):
            raw += part
    except (BodyError, requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        pass
    text = raw.decode("utf-8-sig", errors="replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    return (document if isinstance(document, dict) else {}), text


def judge_error(
    status: int,
    error: dict[str, Any],
    text: str,
    *,
    is_keyed: bool = False,
    is_not_yet: bool = False,
) -> tuple[Outcome, str]:
    """The outcome of an answer that is not 200; ``is_keyed``: the request carried a server key.

    ``is_not_yet``: it came with the mark of a gateway that has not got this title yet.
    """
    said = error_message(error) or html_title(text) or "no reason given"
    if status == 429 or is_rate_limit(error):
        return "rate_limited", f"{status}: {said}"
    if status == 504 and is_not_yet:
        return "not_yet", f"504: not there yet: {said}"
    if status in (401, 403):
        if error.get("type") == "BadResponseException":
            return "upstream_error", f"{status}: MyAnimeList refuses this Jikan instance: {said}"
        ask = "is the server key right?" if is_keyed else "set a contact for the User-Agent"
        return "upstream_error", f"{status}: the provider refuses us ({ask}): {said}"
    if status == 404:
        if error.get("type") == "HttpException":
            return "rejected", f"404: no such route: {said}"
        exists_not = str(error.get("type")).endswith("Exception") or "does not exist" in said
        if exists_not and _said_status(error) in (None, 404):
            return "not_found", f"404: {said}"
        return "upstream_error", f"404 that is not Jikan's (is the base URL right?): {said}"
    if 300 <= status < 400:
        return "upstream_error", f"{status}: redirect not followed"
    if status in _REJECTED_STATUSES:
        return "rejected", f"{status}: {said}"
    return ("invalid" if status < 300 else "upstream_error"), f"{status}: {said}"


def _said_status(error: dict[str, Any]) -> int | None:
    """The status inside the body, an int or, from the proxy, a string."""
    try:
        return int(error["status"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def is_rate_limit(error: dict[str, Any]) -> bool:
    return error.get("type") == "RateLimitException" or _said_status(error) == 429


def error_message(error: dict[str, Any]) -> str:
    details = error.get("messages")
    if isinstance(details, dict):
        return "; ".join(
            f"{name}: {' '.join(map(str, told)) if isinstance(told, list) else told}"
            for name, told in details.items()
        )
    told = next((error[k] for k in ("message", "error") if isinstance(error.get(k), str)), "")
    return ": ".join(str(part) for part in (error.get("type"), told) if part)


def html_title(text: str) -> str:
    head = text[:2000].lstrip()
    if not head.startswith("<"):
        return ""
    title = re.search(r"<title[^>]*>(.*?)</title", head, re.IGNORECASE | re.DOTALL)
    return f"HTML: {title[1].strip() if title else 'no title'}"


def failure_message(failure: BaseException) -> str:
    """The innermost cause in our own words: requests' texts carry URLs and header values."""
    if isinstance(failure, ValueError):
        return f"the provider's base URL or key cannot be used: {type(failure).__name__}"
    if isinstance(failure, requests.exceptions.ConnectTimeout):
        return "timed out connecting"
    innermost = failure
    for _ in range(10):
        links = (getattr(innermost, "reason", None), *innermost.args, innermost.__cause__)
        deeper = next((link for link in links if isinstance(link, BaseException)), None)
        innermost = deeper or innermost
    if isinstance(failure, requests.exceptions.Timeout) or isinstance(innermost, TimeoutError):
        return "timed out waiting for the answer"
    told = innermost.strerror if isinstance(innermost, OSError) else None
    return f"{type(innermost).__name__}: {told}" if told else type(innermost).__name__


def shortened(message: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in message[: 4 * MAX_MESSAGE])
    flat = " ".join(printable.split())
    return flat if len(flat) <= MAX_MESSAGE else flat[: MAX_MESSAGE - 1] + "…"


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait: given as such, or as a date, which counts by the upstream's own clock."""
    try:
        seconds = float(text or "")
    except ValueError:
        date = http_date(text)
        return max(0.0, (date - now).total_seconds()) if date else None
    return seconds if 0 <= seconds <= 1e9 else None


def http_date(text: str | None) -> datetime | None:
    """A header's date, or None for the insane ones seen: ``-1`` and 1 January 1970."""
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return date if date.year >= 2000 else None
