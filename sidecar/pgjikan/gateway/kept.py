"""Answers that may be said again: as long as the database said, and until it says that it changed.

How long that is, is the database's (`keep_for` of ``anime.v4``, the setting `v4_keep`); it gives no
time to what is missing, random or awaited. Without an ear for changes nothing is kept.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from pgjikan.gateway.encoding import encoded
from pgjikan.gateway.refusals import Reply

#: Bytes of kept answers a process; the least recently asked go first.
MOST_BYTES = 32 * 1024 * 1024
#: What an entry takes beside its body and its key.
_OVERHEAD = 2_048


class Request(NamedTuple):
    """All that an answer depends on."""

    method: str
    path: bytes
    query: bytes
    known: bytes | None
    codings: bytes | None
    #: False: of who has caused too many misses, and may have nothing asked for.
    asks: bool = True

    @classmethod
    def of(
        cls, method: str, path: bytes, query: bytes, headers: Mapping[bytes, bytes]
    ) -> Request | None:
        """The request; None: what may be refused for what else it says."""
        if method not in ("GET", "HEAD") or b"transfer-encoding" in headers:
            return None
        if headers.get(b"content-length", b"0") != b"0" or b"pgjikan-mirror" in headers:
            return None
        return cls(
            method, path, query, headers.get(b"if-none-match"), headers.get(b"accept-encoding")
        )

    def size(self) -> int:
        return sum(len(part) for part in self[1:5] if part is not None)


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply as it goes out: its body is here and not in ``reply``."""

    reply: Reply
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @classmethod
    def of(cls, reply: Reply, asked: Mapping[bytes, bytes]) -> Sent:
        """The reply as it goes out to who ``asked`` with these headers."""
        return cls(replace(reply, body=b""), *encoded(reply, asked))

    def later(self, seconds: int) -> Sent:
        """The same when it is said again so much later."""
        headers = [
            (name, b"%d" % (int(value) + seconds) if name == b"age" else value)
            for name, value in self.headers
        ]
        return replace(self, headers=headers)

    def unchanged(self, known: bytes) -> Sent | None:
        """What is said instead to who has it already; None: ``known`` does not name it."""
        headers = dict(self.headers)
        tag = headers.get(b"etag")
        if tag is None or tag not in known:
            return None
        for name in (b"content-length", b"content-encoding"):
            headers.pop(name, None)
        return Sent(replace(self.reply, status=304), list(headers.items()), b"")


class Kept:
    """The answers of one process, bounded in bytes."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: OrderedDict[Request, tuple[Sent, float, float]] = OrderedDict()
        self._hears = False
        #: Counts the changes that were heard: an answer begun before one is not kept after it.
        self.changes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def hear(self, hears: bool) -> None:
        """Whether changes are heard from now on; what was kept may have missed one."""
        self._hears = hears
        self.forget()

    def forget(self) -> None:
        """Something was written."""
        self.changes += 1
        self._entries.clear()
        self._bytes = 0

    def find(self, request: Request) -> Sent | None:
        """What was said to the same request and still holds."""
        entry = self._entries.get(request)
        if entry is None and request.known is not None:
            whole = self.find(request._replace(known=None))
            return whole.unchanged(request.known) if whole is not None else None
        if entry is None:
            return None
        sent, since, until = entry
        now = time.monotonic()
        if now >= until:
            self._drop(request)
            return None
        self._entries.move_to_end(request)
        seconds = int(now - since)
        return sent.later(seconds) if seconds else sent

    def put(self, request: Request, sent: Sent, changes: int) -> None:
        """Keep what was just said, if it may be; ``changes`` as they were before it was asked."""
        if sent.reply.keep_for <= 0 or not self._hears or changes != self.changes:
            return
        self._drop(request)
        now = time.monotonic()
        self._entries[request] = (sent, now, now + sent.reply.keep_for)
        self._bytes += _size(request, sent)
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, request: Request) -> None:
        entry = self._entries.pop(request, None)
        if entry is not None:
            self._bytes -= _size(request, entry[0])


def _size(request: Request, sent: Sent) -> int:
    return request.size() + len(sent.body) + _OVERHEAD
