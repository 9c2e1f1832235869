"""Bytes from the upstream, bounded in time and in size."""

from __future__ import annotations

import http.client
import io
import math
import socket
import time
import zlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

_CHUNK = 65_536

give_up_at: ContextVar[float] = ContextVar("give_up_at", default=math.inf)


class _TimedReader(io.RawIOBase):
    """A socket's bytes until a moment in time, so that slow bytes cannot hold us for ever.

    A socket timeout alone starts anew with each byte; this covers headers and body alike.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw
        self._patience = sock.gettimeout() or math.inf
        self._give_up_at = give_up_at.get()

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


class TimedAdapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _TimedTLSConnection if pool.scheme == "https" else _TimedConnection
        return pool


class BodyError(Exception):
    """A body that came, but cannot be used."""


def decoded(reply: requests.Response, max_bytes: int) -> Iterator[bytes]:
    """The body, unzipped here: older urllib3 inflates a whole chunk before anyone can count."""
    encoding = reply.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise BodyError(f"Content-Encoding {encoding!r} was not asked for")
    inflate = zlib.decompressobj(wbits=31) if encoding != "identity" else None
    left = max_bytes
    while chunk := reply.raw.read(_CHUNK, decode_content=False):
        while chunk:
            try:
                part = inflate.decompress(chunk, left + 1) if inflate else chunk
            except zlib.error as e:
                raise BodyError(f"broken gzip: {e}") from e
            left -= len(part)
            if left < 0:
                raise BodyError(f"body over {max_bytes} bytes")
            chunk = inflate.unconsumed_tail if inflate else b""
            yield part
    if inflate and not inflate.eof:
        raise BodyError("broken gzip: it ends too early")
