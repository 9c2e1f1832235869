"""What faults do to a socket, below HTTP: silence, halves, drips, bombs."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from os import dup
from typing import Any

from starlette.types import Receive, Scope

from pgjikan.gateway.bounds import BoundedProtocol
from pgjikan.gateway.refusals import Reply
from pgjikan.gateway.settings import GatewaySettings
from pgjikan.simulator.faults import Fault

_MEBIBYTE = 1 << 20
_TRANSPORT = "pgjikan.transport"


class Protocol(BoundedProtocol):
    """The gateway's protocol, with its transport in the scope."""

    bounds = GatewaySettings(idle_seconds=300.0)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport}}


@dataclass(frozen=True, slots=True)
class _Victim:
    """A fault, the connection that meets it, and what should have been said."""

    fault: Fault
    transport: Any
    receive: Receive
    body: bytes

    async def write(self, data: bytes) -> None:
        if self.transport.is_closing():
            raise ConnectionResetError
        self.transport.write(data)
        while (
            not self.transport.is_closing()
            and self.transport.get_write_buffer_size() > 4 * _MEBIBYTE
        ):
            await asyncio.sleep(0.005)
        await asyncio.sleep(0)

    async def drip(self, data: bytes) -> None:
        for place in range(len(data)):
            await self.write(data[place : place + 1])
            await asyncio.sleep(self.fault.delay)

    async def gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def abuse(fault: Fault, scope: Scope, receive: Receive, honest: Reply) -> None:
    """Do to the socket what the fault says; afterwards the connection is of no more use."""
    victim = _Victim(fault, scope["extensions"][_TRANSPORT]["transport"], receive, honest.body)
    with suppress(ConnectionError):  # the client had enough, as it should
        await ABUSES[fault.kind](victim)
    victim.transport.abort()
    await victim.gone()


async def _reset(victim: _Victim) -> None:
    # A second name for the same socket: what is set there holds for both.
    with socket.socket(fileno=dup(victim.transport.get_extra_info("socket").fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _truncated(victim: _Victim) -> None:
    body = victim.body
    await victim.write(_head(len(body)) + body[: len(body) // 2])
    await asyncio.sleep(0.01)  # abort() drops what the kernel has not taken yet


async def _slow(victim: _Victim) -> None:
    await victim.write(_head(len(victim.body)))
    await victim.drip(victim.body)


async def _slow_headers(victim: _Victim) -> None:
    await victim.drip(_head(len(victim.body)) + victim.body)


async def _huge(victim: _Victim) -> None:
    size = victim.fault.size
    await victim.write(_head(size))
    for sent in range(0, size, _MEBIBYTE):
        await victim.write(b" " * min(_MEBIBYTE, size - sent))


async def _gzip_bomb(victim: _Victim) -> None:
    bomb = _bomb(victim.fault.size)
    await victim.write(_head(len(bomb), "Content-Encoding: gzip\r\n") + bomb)
    await asyncio.sleep(0.01)


#: By kind of fault.
ABUSES: dict[str, Callable[[_Victim], Any]] = {
    "timeout": _Victim.gone,
    "reset": _reset,
    "truncated": _truncated,
    "slow": _slow,
    "slow_headers": _slow_headers,
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
}


@cache
def _bomb(size: int) -> bytes:
    return gzip.compress(bytes(size))


def _head(length: int, more: str = "") -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}"
        "Connection: close\r\n\r\n"
    ).encode()
