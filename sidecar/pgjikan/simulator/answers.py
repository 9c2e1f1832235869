"""How Jikan fails: bodies as recorded from the real one, and from what stands before it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pgjikan.gateway import refusals
from pgjikan.gateway.refusals import Reply


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def failed(status: int, kind: str, message: str, error: str | None = None) -> Reply:
    said = {"status": status, "type": kind, "message": message, "error": error}
    return Reply(status, to_json(said))


def missing(path: str) -> Reply:
    error = f"404 on https://myanimelist.net{path}/"
    return failed(404, "BadResponseException", "Resource does not exist", error)


def rate_limited(retry_after: str | None = None, *, as_text: bool = True) -> Reply:
    """The proxy in front writes the status as text, Jikan itself as a number."""
    said = refusals.RATE_LIMITED
    body = _status_as_text(said) if as_text else said.body
    return Reply(said.status, body, {"Retry-After": retry_after} if retry_after else {})


def upstream_failed(path: str) -> Reply:
    return failed(
        500,
        "UpstreamException",
        "Request to MyAnimeList.net failed. MyAnimeList.net may be down/unavailable, refuses to "
        "connect or took too long to respond. Please try again later.",
        "Unsupported response code in HTTP response for "
        f'"https://myanimelist.net{path.removesuffix("/full")}/".',
    )


def maintenance(retry_after: str | None = None) -> Reply:
    said = failed(503, "HttpException", "Service Unavailable: down for maintenance")
    return replace(said, headers={"Retry-After": retry_after} if retry_after else {})


def gateway_timeout() -> Reply:
    said = refusals.UPSTREAM_FAILED
    return Reply(said.status, _status_as_text(said))


def html(status: int, title: str) -> Reply:
    text = (
        f"<html>\n<head><title>{title}</title></head>\n"
        f"<body><center><h1>{title}</h1></center><hr><center>nginx</center></body>\n</html>\n"
    )
    return Reply(status, text.encode(), {"Content-Type": "text/html"})


def _status_as_text(said: Reply) -> bytes:
    return to_json(json.loads(said.body) | {"status": str(said.status)})
