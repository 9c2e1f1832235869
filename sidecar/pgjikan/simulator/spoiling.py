"""How each fault looks on the wire: a good answer spoilt, another one sent, a socket abused."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from aiohttp import web

from pgjikan.simulator import answers
from pgjikan.simulator.answers import Answer, to_json
from pgjikan.simulator.faults import Fault

_MEBIBYTE = 1 << 20


def spoilt(fault: Fault, path: str, honest: Answer) -> Answer | None:
    """The answer to send instead, or None if the fault is one of the socket (see ``abuse``)."""
    if fault.kind in _INSTEAD:
        return _INSTEAD[fault.kind](fault, path)
    if fault.kind in _CHANGES and honest.status == 200:
        return replace(honest, body=_CHANGES[fault.kind](honest.body))
    return None if fault.kind in _ABUSES else honest


_INSTEAD: Mapping[str, Callable[[Fault, str], Answer]] = {
    "403": lambda fault, path: answers.html(403, "403 Forbidden"),
    "404": lambda fault, path: answers.missing(path),
    "410": lambda fault, path: answers.html(410, "410 Gone"),
    "429": lambda fault, path: answers.rate_limited(fault.retry_after),
    "429_int": lambda fault, path: answers.rate_limited(fault.retry_after, as_text=False),
    "500": lambda fault, path: answers.upstream_failed(path),
    "503": lambda fault, path: answers.maintenance(fault.retry_after),
    "504": lambda fault, path: answers.gateway_timeout(),
    "html_502": lambda fault, path: answers.html(502, "502 Bad Gateway"),
    "html": lambda fault, path: answers.html(200, "Just a moment..."),
    "empty_body": lambda fault, path: Answer(200, b""),
    "error_200": lambda fault, path: replace(answers.upstream_failed(path), status=200),
    "limit_200": lambda fault, path: replace(answers.rate_limited(), status=200),
    "redirect": lambda fault, path: Answer(302, b"", {"Location": "/_simulator/elsewhere"}),
}


def _with_data(body: bytes, change: Callable[[Any], Any]) -> bytes:
    document = json.loads(body)
    return to_json(document | {"data": change(document["data"])})


def _each(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[bytes], bytes]:
    """A change of every item of a list, or of the one item there is."""

    def changed(data: Any) -> Any:
        return [change(item) for item in data] if isinstance(data, list) else change(data)

    return lambda body: _with_data(body, changed)


def _other_id(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"mal_id": item.get("mal_id", 0) + 1}


def _other_types(item: dict[str, Any]) -> dict[str, Any]:
    mixed: dict[str, Any] = {
        "mal_id": str(item.get("mal_id")),
        "titles": "not a list",
        "score": "high",
        "aired": [],
        "genres": {"mal_id": 1},
        "episodes": {"count": 12},
        "images": None,
    }
    return item | mixed


def _older(item: dict[str, Any]) -> dict[str, Any]:
    return item | {
        "members": (item.get("members") or 0) // 2,
        "score": None,
        "title_synonyms": [],
        "synopsis": "An older synopsis.",
    }


def _repeated(data: Any) -> Any:
    return [data[0], *data] if isinstance(data, list) and data else data


def _dirty(body: bytes) -> bytes:
    return body.replace(b'"title":"', rb'"title":"\u0000\ud800 \udc00')


def _unnumbered(body: bytes) -> bytes:
    return body.replace(b'"score":', b'"score":NaN,"was":', 1)


_CHANGES: Mapping[str, Callable[[bytes], bytes]] = {
    "half_json": lambda body: body[: len(body) // 2],
    "dirty_text": _dirty,
    "not_a_number": _unnumbered,
    "wrong_id": _each(_other_id),
    "wrong_types": _each(_other_types),
    "empty": lambda body: _with_data(body, lambda data: [] if isinstance(data, list) else {}),
    "duplicate": lambda body: _with_data(body, _repeated),
    "stale_list": lambda body: _with_data(
        body, lambda data: [_older(item) for item in data] if isinstance(data, list) else data
    ),
}


async def abuse(fault: Fault, request: web.Request, honest: Answer, closing: asyncio.Event) -> None:
    """Do to the socket what the fault says; afterwards the connection is of no more use."""
    with suppress(ConnectionError):  # the client had enough, as it should
        await _ABUSES[fault.kind](fault, request, honest, closing)
    if request.transport is not None:
        request.transport.abort()


async def _never(
    fault: Fault, request: web.Request, honest: Answer, closing: asyncio.Event
) -> None:
    while not (closing.is_set() or request.transport is None or request.transport.is_closing()):
        await asyncio.sleep(0.02)


async def _reset(
    fault: Fault, request: web.Request, honest: Answer, closing: asyncio.Event
) -> None:
    sock = request.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _truncated(
    fault: Fault, request: web.Request, honest: Answer, closing: asyncio.Event
) -> None:
    await _write(request, _head(len(honest.body)) + honest.body[: len(honest.body) // 2])
    await asyncio.sleep(0.01)  # abort() drops what the kernel has not taken yet


async def _slow(fault: Fault, request: web.Request, honest: Answer, closing: asyncio.Event) -> None:
    await _write(request, _head(len(honest.body)))
    await _drip(fault, request, honest.body, closing)


async def _slow_headers(
    fault: Fault, request: web.Request, honest: Answer, closing: asyncio.Event
) -> None:
    await _drip(fault, request, _head(len(honest.body)) + honest.body, closing)


async def _huge(fault: Fault, request: web.Request, honest: Answer, closing: asyncio.Event) -> None:
    await _write(request, _head(fault.size))
    sent = 0
    while sent < fault.size:
        part = min(_MEBIBYTE, fault.size - sent)
        await _write(request, b" " * part)
        sent += part


async def _gzip_bomb(
    fault: Fault, request: web.Request, honest: Answer, closing: asyncio.Event
) -> None:
    bomb = _bomb(fault.size)
    await _write(request, _head(len(bomb), "Content-Encoding: gzip\r\n") + bomb)
    await asyncio.sleep(0.01)


@cache
def _bomb(size: int) -> bytes:
    return gzip.compress(bytes(size))


_ABUSES: Mapping[str, Callable[..., Any]] = {
    "timeout": _never,
    "reset": _reset,
    "truncated": _truncated,
    "slow": _slow,
    "slow_headers": _slow_headers,
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
}


def _head(length: int, more: str = "") -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}"
        "Connection: close\r\n\r\n"
    ).encode()


async def _write(request: web.Request, data: bytes) -> None:
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError
    transport.write(data)
    while not transport.is_closing() and transport.get_write_buffer_size() > 4 * _MEBIBYTE:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0)


async def _drip(fault: Fault, request: web.Request, data: bytes, closing: asyncio.Event) -> None:
    for place in range(len(data)):
        if closing.is_set():
            return
        await _write(request, data[place : place + 1])
        await asyncio.sleep(fault.delay)
