"""The Jikan HTTP client: one request in, one of seven outcomes out, and never an exception.

The same file runs in the sidecar and inside plpython3u, so it stands alone: standard library,
requests (with the urllib3 it brings) and nothing of pgjikan. That is also why it is one file.

It decides nothing about retries, pace or freshness; it says what happened and SQL decides:

``ok``               200 with a document of Jikan's shape; ``body`` is its JSON text
``not_found``        the upstream says that the title does not exist (404 with its own error body)
``rate_limited``     429, or an error body that says so under any status
``rejected``         the request itself was bad: 400 and kin, or a route that does not exist
``upstream_error``   the provider failed or refused us: 5xx, 403, 410, a redirect, a foreign 404
``transport_error``  no whole answer: DNS, TLS, refused, reset, cut short, too slow
``invalid``          200 that is not what was asked: error body, HTML, broken JSON, another title

A redirect is never followed: it would carry the key and the question to a place nobody
configured, and a provider that moved is a change of its base URL.
"""

from __future__ import annotations

import http.client
import io
import json
import math
import re
import socket
import time
import zlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

VERSION = "0.1.0"  # equal to pgjikan.__version__ (a test says so); not imported, see above
PAGE_SIZE = 25  # the most that Jikan gives
MAX_QUERY = 255
MAX_DEPTH = 64  # recorded documents reach 7; PostgreSQL's parser recurses
MAX_ERROR_BYTES = 65_536
MAX_MESSAGE = 300

Outcome = Literal[
    "ok", "not_found", "rate_limited", "rejected", "upstream_error", "transport_error", "invalid"
]
Params = Mapping[str, str]

_CHUNK = 65_536
_REJECTED_STATUSES = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431})
_SEASONS = frozenset({"winter", "spring", "summer", "fall"})
_SEASON_LISTS = frozenset({"now", "upcoming"})


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


class JikanClient:
    """Asks one Jikan v4 provider at a time, over a kept-alive session of its own."""

    def __init__(
        self,
        base_url: str | None = None,
        *,
        contact: str | None = None,
        connect_timeout: float = 5.0,
        read_timeout: float = 20.0,
        deadline: float = 30.0,
        max_bytes: int = 10_000_000,
    ) -> None:
        """``deadline`` bounds the whole exchange in seconds, ``max_bytes`` the decoded body."""
        self.user_agent = f"pgjikan/{VERSION}" + (f" (+{contact})" if contact else "")
        if not (self.user_agent.isascii() and self.user_agent.isprintable()):
            raise ValueError("the contact must be printable ASCII: it is sent in a header")
        self._base_url = base_url
        self._timeout = (min(connect_timeout, deadline), min(read_timeout, deadline))
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._session = requests.Session()
        self._session.auth = lambda request: request  # else ~/.netrc is searched for a password
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(
            {"User-Agent": self.user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _TimedAdapter(max_retries=0))

    def close(self) -> None:
        self._session.close()

    def fetch(
        self,
        path: str,
        params: Params | None = None,
        *,
        base_url: str | None = None,
        key_header: str | None = None,
        key: str | None = None,
    ) -> Response:
        """GET ``path`` under ``base_url``; the key, if any, goes out in ``key_header`` only."""
        started = time.monotonic()
        url = (base_url or self._base_url or "").rstrip("/") + path
        headers = {key_header: key} if key_header and key else {}
        moment = _give_up_at.set(started + self._deadline)
        try:
            with self._session.get(
                url,
                params=params,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as reply:
                response = self._read(reply)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as e:
            response = Response("transport_error", message=_failure(e))
        finally:
            _give_up_at.reset(moment)
        message = response.message.replace(key, "***") if key else response.message
        elapsed = (time.monotonic() - started) * 1000
        return replace(response, message=_shortened(message), elapsed_ms=round(elapsed, 1))

    def fetch_task(
        self,
        task_kind: str,
        payload: Mapping[str, Any],
        *,
        base_url: str | None = None,
        key_header: str | None = None,
        key: str | None = None,
    ) -> Response:
        """Do what a task of the queue asks: its request, then the check that the answer fits."""
        try:
            path, params = request_for(task_kind, payload)
        except ValueError as e:
            return Response("rejected", message=str(e))
        response = self.fetch(path, params, base_url=base_url, key_header=key_header, key=key)
        if response.body is None:
            return response
        reason = _mismatch(task_kind, payload, json.loads(response.body))
        return (
            replace(response, outcome="invalid", body=None, message=reason) if reason else response
        )

    def _read(self, reply: requests.Response) -> Response:
        now = _http_date(reply.headers.get("Date")) or datetime.now(UTC)
        head = Response(
            "ok",
            reply.status_code,
            retry_after_seconds=_retry_after(reply.headers.get("Retry-After"), now),
        )
        if reply.status_code != 200:
            outcome, message = _judge_error(reply.status_code, *_error_body(reply))
            return replace(head, outcome=outcome, message=message)
        try:
            raw = b"".join(_decoded(reply, self._max_bytes))
        except _BodyError as e:
            return replace(head, outcome="invalid", message=str(e))
        head = replace(head, bytes=len(raw))
        text = _storable(raw.decode("utf-8-sig", errors="replace"))
        try:
            document = _parsed(text)
        except (ValueError, RecursionError) as e:
            return replace(head, outcome="invalid", message=f"not JSON: {_html_title(text) or e}")
        if not (isinstance(document, dict) and isinstance(document.get("data"), dict | list)):
            error = document if isinstance(document, dict) else {}
            limited = _is_rate_limit(error)
            return replace(
                head,
                outcome="rate_limited" if limited else "invalid",
                message=f"200 with an error body: {_error_message(error) or 'no data in it'}",
            )
        modified = _http_date(reply.headers.get("Last-Modified"))
        return replace(
            head,
            body=text,
            last_modified=modified if modified and modified <= now + timedelta(days=1) else None,
            expires=_http_date(reply.headers.get("Expires")),
        )


# --- what to ask, and whether the answer is to that question ------------------------------------


def request_for(task_kind: str, payload: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The path and parameters for a task; raises ValueError for one that cannot be asked.

    Payload keys: ``mal_id`` (anime, pictures, reviews), ``query`` (search), ``year`` and
    ``season``, or ``season`` alone as ``now`` or ``upcoming`` (season); for lists also ``page``.
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
            if season in _SEASON_LISTS:
                return f"/seasons/{season}", listed
            if season not in _SEASONS:
                raise ValueError("season: must be winter, spring, summer, fall, now or upcoming")
            return f"/seasons/{_positive(payload, 'year')}/{season}", listed
        case "catalogue":
            return "/anime", {"order_by": "mal_id", "sort": "asc", **listed}
    raise ValueError(f"no request for a task of kind {task_kind!r}")


def document_matches(task_kind: str, payload: Mapping[str, Any], body: str) -> bool:
    """Whether ``body`` answers the question: the right shape, and the title that was asked for."""
    return _mismatch(task_kind, payload, json.loads(body)) is None


def _mismatch(task_kind: str, payload: Mapping[str, Any], document: Any) -> str | None:
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


# --- the body: bounded in time and size, and acceptable to jsonb --------------------------------

_give_up_at: ContextVar[float] = ContextVar("give_up_at", default=math.inf)


class _TimedReader(io.RawIOBase):
    """A socket's bytes until a moment in time, so that slow bytes cannot hold us for ever.

    A socket timeout alone starts anew with each byte; this covers headers and body alike.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw
        self._patience = sock.gettimeout() or math.inf
        self._give_up_at = _give_up_at.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._give_up_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline passed")
        limit = min(left, self._patience)
        self._sock.settimeout(None if math.isinf(limit) else limit)
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(sock, cast(Any, self.fp).detach()))


class _TimedConnection(HTTPConnection):
    response_class = _TimedResponse


class _TimedTLSConnection(HTTPSConnection):
    response_class = _TimedResponse


class _TimedAdapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _TimedTLSConnection if pool.scheme == "https" else _TimedConnection
        return pool


class _BodyError(Exception):
    """A body that came, but cannot be used."""


def _decoded(reply: requests.Response, max_bytes: int) -> Iterator[bytes]:
    """The body, unzipped here: older urllib3 inflates a whole chunk before anyone can count."""
    encoding = reply.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise _BodyError(f"Content-Encoding {encoding!r} was not asked for")
    inflate = zlib.decompressobj(wbits=31) if encoding != "identity" else None
    left = max_bytes
    while chunk := reply.raw.read(_CHUNK, decode_content=False):
        while chunk:
            try:
                part = inflate.decompress(chunk, left + 1) if inflate else chunk
            except zlib.error as e:
                raise _BodyError(f"broken gzip: {e}") from e
            left -= len(part)
            if left < 0:
                raise _BodyError(f"body over {max_bytes} bytes")
            chunk = inflate.unconsumed_tail if inflate else b""
            yield part
    if inflate and not inflate.eof:
        raise _BodyError("broken gzip: it ends too early")


_REFUSED_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE = re.compile(
    r"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?P<refused>u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))|.)",
    re.DOTALL,
)


def _storable(text: str) -> str:
    r"""JSON text with U+FFFD where jsonb would refuse \u0000 or half a surrogate pair.

    Replaced, not rejected: one bad character in one synopsis must not cost the page its other 24
    titles. Bytes that are no UTF-8 were replaced alike when they were decoded.
    """
    if not _REFUSED_ESCAPE.search(text):
        return text
    return _ESCAPE.sub(lambda found: r"\ufffd" if found["refused"] else found[0], text)


def _parsed(text: str) -> Any:
    """The document, for looking at only; raises ValueError for what jsonb would not take."""
    document = json.loads(
        text, parse_constant=_refuse_number, parse_float=_number, parse_int=_number
    )
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return document


def _number(text: str) -> int | float:
    """Within double precision's range, which is well within that of jsonb's numeric."""
    digits, _, exponent = text.lower().partition("e")
    if len(text) > 40 or abs(int(exponent or 0)) > 300:
        return _refuse_number(text)
    return int(text) if digits == text and "." not in text else float(text)


def _refuse_number(text: str) -> float:
    raise ValueError(f"number out of range: {text[:20]}")


# --- errors: their many shapes, one outcome each ------------------------------------------------


def _error_body(reply: requests.Response) -> tuple[dict[str, Any], str]:
    """The error object ({} for anything else) and the text; whatever ails it, the status counts."""
    raw = b""
    try:
        for part in _decoded(reply, MAX_ERROR_BYTES):
            raw += part
    except (_BodyError, requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        pass
    text = raw.decode("utf-8-sig", errors="replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    return (document if isinstance(document, dict) else {}), text


def _judge_error(status: int, error: dict[str, Any], text: str) -> tuple[Outcome, str]:
    said = _error_message(error) or _html_title(text) or "no reason given"
    if status == 429 or _is_rate_limit(error):
        return "rate_limited", f"{status}: {said}"
    if status in (401, 403):
        return "upstream_error", (
            f"{status}: the provider refuses us (set a contact for the User-Agent; "
            f"is the server key right?): {said}"
        )
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


def _is_rate_limit(error: dict[str, Any]) -> bool:
    return error.get("type") == "RateLimitException" or _said_status(error) == 429


def _error_message(error: dict[str, Any]) -> str:
    details = error.get("messages")
    if isinstance(details, dict):
        return "; ".join(
            f"{name}: {' '.join(map(str, told)) if isinstance(told, list) else told}"
            for name, told in details.items()
        )
    told = next((error[k] for k in ("message", "error") if isinstance(error.get(k), str)), "")
    return ": ".join(str(part) for part in (error.get("type"), told) if part)


def _html_title(text: str) -> str:
    if not text.lstrip().startswith("<"):
        return ""
    title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
    return f"HTML: {title[1].strip() if title else 'no title'}"


def _failure(failure: BaseException) -> str:
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


def _shortened(message: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in message)
    flat = " ".join(printable.split())
    return flat if len(flat) <= MAX_MESSAGE else flat[: MAX_MESSAGE - 1] + "…"


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait: given as such, or as a date, which counts by the upstream's own clock."""
    try:
        seconds = float(text or "")
    except ValueError:
        date = _http_date(text)
        return max(0.0, (date - now).total_seconds()) if date else None
    return seconds if 0 <= seconds <= 1e9 else None


def _http_date(text: str | None) -> datetime | None:
    """A header's date, or None for the insane ones seen: ``-1`` and 1 January 1970."""
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return date if date.year >= 2000 else None
