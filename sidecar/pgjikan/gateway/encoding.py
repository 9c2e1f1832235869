"""How an answer goes out: its headers, and gzip where the client takes it and it pays."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from functools import lru_cache

from pgjikan.gateway.refusals import Reply

_GZIP_FROM = 1_024
GZIP_MARK = "-gzip"
#: A coding and its weight, if it has one.
_CODING = re.compile(rb"([^\s,;]+)\s*(?:;\s*q\s*=\s*([0-9.]*))?[^,]*", re.IGNORECASE)
_NOTHING = re.compile(rb"0(?:\.0*)?")
_COMMON = (
    (b"content-type", b"application/json"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"*"),
    (b"vary", b"Accept-Encoding"),
)


def encoded(reply: Reply, asked: Mapping[bytes, bytes]) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body as they go out, gzip where the client takes it and it pays."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in reply.headers.items()
    ]
    body = reply.body
    if reply.status == 204:
        return headers, body
    if reply.status == 304:
        known = asked.get(b"if-none-match", b"")
        headers = [
            (name, _marked(value) if name == b"etag" and _marked(value) in known else value)
            for name, value in headers
        ]
        return [*_COMMON, *headers], body
    if len(body) >= _GZIP_FROM and _takes_gzip(asked.get(b"accept-encoding", b"")):
        headers = [(name, _marked(value) if name == b"etag" else value) for name, value in headers]
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    return [*_COMMON, *headers], body


def _marked(tag: bytes) -> bytes:
    """The tag of the same in gzip."""
    return tag[:-1] + GZIP_MARK.encode() + b'"'


@lru_cache(256)
def _takes_gzip(accepted: bytes) -> bool:
    """Whether Accept-Encoding names gzip, or anything, and does not weigh it nothing."""
    weights = {name.lower(): weight for name, weight in _CODING.findall(accepted)}
    weight = weights.get(b"gzip", weights.get(b"x-gzip", weights.get(b"*", b"0")))
    return _NOTHING.fullmatch(weight) is None
