"""One session with one provider at a time: one request in, one `Response` out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3
from requests.auth import HTTPBasicAuth
from requests.utils import get_auth_from_url

from pgjikan import __version__
from pgjikan.client.errors import (
    NOT_YET,
    error_body,
    error_message,
    failure_message,
    html_title,
    http_date,
    is_rate_limit,
    judge_error,
    retry_after,
    shortened,
)
from pgjikan.client.response import Response
from pgjikan.client.tasks import mismatch, moved_to
from pgjikan.client.text import parsed, storable
from pgjikan.client.wire import BodyError, TimedAdapter, decoded, give_up_at


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
        self.user_agent = f"pgjikan/{__version__}" + (f" (+{contact})" if contact else "")
        if not (self.user_agent.isascii() and self.user_agent.isprintable()):
            raise ValueError("the contact must be printable ASCII: it is sent in a header")
        self._base_url = base_url
        self._timeout = (connect_timeout, read_timeout)
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._session = requests.Session()
        self._session.auth = _authorised  # else ~/.netrc is searched for a password
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(
            {"User-Agent": self.user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, TimedAdapter(max_retries=0))

    def close(self) -> None:
        self._session.close()

    def introduce(self, mirror_id: str) -> None:
        """Say for which database is asked, so that a gateway over the same one refuses."""
        self._session.headers["Pgjikan-Mirror"] = mirror_id

    def fetch(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        base_url: str | None = None,
        key_header: str | None = None,
        key: str | None = None,
        deadline: float | None = None,
    ) -> Response:
        """GET ``path`` under ``base_url``; the key, if any, goes out in ``key_header`` only.

        ``deadline``, in seconds, may be shorter than the client's.
        """
        started = time.monotonic()
        seconds = min(deadline or self._deadline, self._deadline)
        connect_timeout, read_timeout = self._timeout
        url = (base_url or self._base_url or "").rstrip("/") + path
        headers = {key_header: key} if key_header and key else {}
        moment = give_up_at.set(started + seconds)
        try:
            with self._session.get(
                url,
                params=params,
                headers=headers,
                timeout=(min(connect_timeout, seconds), min(read_timeout, seconds)),
                allow_redirects=False,
                stream=True,
            ) as reply:
                response = self._read(reply, is_keyed=bool(headers))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as e:
            response = Response("transport_error", message=failure_message(e))
        finally:
            give_up_at.reset(moment)
        message = response.message.replace(key, "***") if key else response.message
        elapsed = (time.monotonic() - started) * 1000
        return replace(response, message=shortened(message), elapsed_ms=round(elapsed, 1))

    def fetch_task(
        self,
        task_kind: str,
        path: str,
        *,
        mal_id: int | None = None,
        base_url: str | None = None,
        key_header: str | None = None,
        key: str | None = None,
        deadline: float | None = None,
    ) -> Response:
        """Ask for what a task of the queue asks for, and check that the answer is to that."""
        response = self.fetch(
            path, base_url=base_url, key_header=key_header, key=key, deadline=deadline
        )
        if response.location is not None:
            root = (base_url or self._base_url or "").rstrip("/")
            new = moved_to(path, root, response.location)
            if new is not None:
                message = f"{response.status}: moved to {new}"
                return replace(response, outcome="not_found", message=message, moved_to=new)
        if response.body is None:
            return response
        reason = mismatch(task_kind, mal_id, json.loads(response.body))
        return (
            replace(response, outcome="invalid", body=None, message=reason) if reason else response
        )

    def _read(self, reply: requests.Response, *, is_keyed: bool) -> Response:
        now = http_date(reply.headers.get("Date")) or datetime.now(UTC)
        head = Response(
            "ok",
            reply.status_code,
            retry_after_seconds=retry_after(reply.headers.get("Retry-After"), now),
            location=reply.headers.get("Location") if reply.is_redirect else None,
        )
        if reply.status_code != 200:
            error, text = error_body(reply)
            outcome, message = judge_error(
                reply.status_code,
                error,
                text,
                is_keyed=is_keyed,
                is_not_yet=reply.headers.get(NOT_YET[0]) == NOT_YET[1],
            )
            refusal = text if error else None
            return replace(head, outcome=outcome, message=message, refusal=refusal)
        try:
            raw = b"".join(decoded(reply, self._max_bytes))
        except BodyError as e:
            return replace(head, outcome="invalid", message=str(e))
        head = replace(head, bytes=len(raw))
        text = storable(raw.decode("utf-8-sig", errors="replace"))
        try:
            document = parsed(text)
        except (ValueError, RecursionError) as e:
            return replace(head, outcome="invalid", message=f"not JSON: {html_title(text) or e}")
        if not (isinstance(document, dict) and isinstance(document.get("data"), dict | list)):
            error = document if isinstance(document, dict) else {}
            limited = is_rate_limit(error)
            return replace(
                head,
                outcome="rate_limited" if limited else "invalid",
                message=f"200 with an error body: {error_message(error) or 'no data in it'}",
            )
        modified = http_date(reply.headers.get("Last-Modified"))
        return replace(
            head,
            body=text,
            last_modified=modified if modified and modified <= now + timedelta(days=1) else None,
            expires=http_date(reply.headers.get("Expires")),
        )


def _authorised(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """With the base URL's user and password, if it names them, as requests does on its own."""
    user, password = get_auth_from_url(request.url or "")
    return HTTPBasicAuth(user, password)(request) if user else request
