"""uvicorn's HTTP/1.1 protocol with bounds on a head's bytes and seconds, and on connections."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from functools import cache
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pgjikan.gateway import refusals
from pgjikan.gateway.encoding import encoded
from pgjikan.gateway.refusals import Reply
from pgjikan.gateway.settings import GatewaySettings

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
#: The request lines of what is pipelined behind the first.
_LATER_LINE = re.compile(rb"(?<=\n)[A-Z]+ [^\r\n]+(?= HTTP/1)")
#: Requests that may wait behind the one that is answered; whoever sends more means harm.
_MOST_PIPELINED = 100
#: Bytes of a URL that the parser can tell apart.
_LONGEST_URL = 65_535


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is closed when it says nothing, half or too much, or does not read."""

    #: A process that uvicorn starts has them in its environment.
    bounds: ClassVar[GatewaySettings | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = self.bounds or _from_environment()
        self._head = 0
        self._is_line = True
        #: Whether a part of the next request's head is here already, behind the one before.
        self._has_begun = False
        self._deadline: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._answered: RequestResponseCycle | None = None
        self._fault = refusals.BAD_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.max_connections:
            transport.abort()
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        if self._reading is not None:
            self._reading.cancel()
        if self._answered is not None:
            self._answered.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_idle():
            self._expect_head()
            self._is_line = self._is_line or self._head == 0
            self._head += len(data)
        super().data_received(self._escaped(data))
        if self._is_idle() and self._head > self._bounds.max_head:
            self._refuse(refusals.HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._has_begun = True
        super().on_message_begin()
        self._stop_reading_ahead()

    def on_headers_complete(self) -> None:
        self._clear_deadline()
        self._head = 0
        self._has_begun = False
        if len(self.url) > _LONGEST_URL:
            self._fault = refusals.URL_TOO_LONG
            raise ValueError("a URL that the parser cannot take apart")
        super().on_headers_complete()
        if len(self.pipeline) > _MOST_PIPELINED:
            # Raised through the parser: it is the 400 of a request that cannot be read.
            raise ValueError("too many requests behind one")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn knows the last that was asked, not the one whose answer waits to be read.
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _escaped(self, data: bytes) -> bytes:
        """The same with request lines in ASCII, as browsers send them and curl does not."""
        line, end, rest = data.partition(b"\n")
        is_line, self._is_line = self._is_line, self._is_line and not end
        if data.isascii():
            return data
        return (_in_ascii(line) if is_line else line) + _LATER_LINE.sub(
            lambda later: _in_ascii(later[0]), end + rest
        )

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._fault)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading()

    def on_response_complete(self) -> None:
        self._expect_reading()
        super().on_response_complete()
        self._stop_reading_ahead()
        if self._has_begun and self._is_idle():
            self._expect_head()

    def _stop_reading_ahead(self) -> None:
        """Read no more while one is answered and the next is here, whole or in part.

        uvicorn stops at a whole one, and reads on at every answer, however many wait.
        """
        is_busy = not self._is_idle() and not self.transport.is_closing()
        if is_busy and (self._has_begun or self.pipeline):
            self.flow.pause_reading()

    def _expect_reading(self) -> None:
        unread = self.transport.get_write_buffer_size()
        if unread and self._reading is None:
            self._reading = self.loop.call_later(
                self._bounds.idle_seconds, self._see_reading, unread
            )

    def _see_reading(self, before: int) -> None:
        """Hang up on who asks and does not read: nothing went out for as long as one may idle."""
        self._reading = None
        if self.transport.get_write_buffer_size() >= before:
            # With a reset: else the system goes on trying for minutes to deliver the rest.
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.transport.abort()
        else:
            self._expect_reading()

    def _is_idle(self) -> bool:
        return not self.transport.is_closing() and (
            self.cycle is None or self.cycle.response_complete
        )

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._bounds.idle_seconds, self.transport.abort)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, reply: Reply) -> None:
        self._clear_deadline()
        headers, body = encoded(reply, {})
        lines = [b"%s: %s\r\n" % header for header in headers]
        phrase = HTTPStatus(reply.status).phrase.encode()
        self.transport.write(
            b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (reply.status, phrase, b"".join(lines), body)
        )
        self.transport.close()


def _in_ascii(line: bytes) -> bytes:
    return _BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], line)


@cache
def _from_environment() -> GatewaySettings:
    return GatewaySettings.from_environment()


def protocol(settings: GatewaySettings) -> type[BoundedProtocol]:
    """The protocol with the bounds of ``settings``."""
    return type("Bounded", (BoundedProtocol,), {"bounds": settings})
