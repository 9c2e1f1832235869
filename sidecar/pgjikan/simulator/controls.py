"""The simulator steered over HTTP, under /_simulator."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from pgjikan.errors import PgjikanError
from pgjikan.simulator.catalogue import Catalogue
from pgjikan.simulator.faults import Fault
from pgjikan.simulator.layer import CONTROL, Layer


class Controls:
    """An ASGI application that people and other processes ask."""

    def __init__(self, layer: Layer, catalogue: Catalogue) -> None:
        self._layer = layer
        self._catalogue = catalogue
        self._router = Router(
            [
                Route(f"{CONTROL}/stats", self._get_stats),
                Route(f"{CONTROL}/reset", self._post_reset, methods=["POST"]),
                Route(f"{CONTROL}/faults", self._get_faults),
                Route(f"{CONTROL}/faults", self._post_faults, methods=["POST"]),
                Route(f"{CONTROL}/faults", self._delete_faults, methods=["DELETE"]),
                Route(f"{CONTROL}/documents", self._post_documents, methods=["POST"]),
                Route(
                    f"{CONTROL}/documents/{{mal_id:int}}",
                    self._delete_document,
                    methods=["DELETE"],
                ),
                Route(f"{CONTROL}/elsewhere", self._get_elsewhere),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._router(scope, receive, send)

    async def _stats(self) -> dict[str, Any]:
        titles = await asyncio.to_thread(len, self._catalogue)
        return self._layer.stats() | {"titles": titles}

    async def _get_stats(self, _request: Request) -> Response:
        return JSONResponse(await self._stats())

    async def _post_reset(self, _request: Request) -> Response:
        self._layer.reset()
        return JSONResponse(await self._stats())

    async def _get_faults(self, _request: Request) -> Response:
        return JSONResponse(self._layer.armed())

    async def _post_faults(self, request: Request) -> Response:
        try:
            wanted = [
                Fault.parse(one) if isinstance(one, str) else Fault.from_mapping(one)
                for one in await _json_list(request)
            ]
        except (ValueError, TypeError) as error:
            return PlainTextResponse(str(error), 400)
        self._layer.arm(*wanted)
        return JSONResponse(self._layer.armed())

    async def _delete_faults(self, _request: Request) -> Response:
        self._layer.disarm()
        return JSONResponse([])

    async def _post_documents(self, request: Request) -> Response:
        try:
            given = await _json_list(request)
            if not all(isinstance(d, dict) and type(d.get("mal_id")) is int for d in given):
                raise ValueError("each document needs a mal_id")
            for document in given:
                await asyncio.to_thread(self._catalogue.add, document)
        except (ValueError, PgjikanError) as error:
            return PlainTextResponse(str(error), 400)
        return await self._titles()

    async def _delete_document(self, request: Request) -> Response:
        await asyncio.to_thread(self._catalogue.remove, request.path_params["mal_id"])
        return await self._titles()

    async def _titles(self) -> Response:
        return JSONResponse({"titles": await asyncio.to_thread(len, self._catalogue)})

    async def _get_elsewhere(self, _request: Request) -> Response:
        self._layer.followed()
        return JSONResponse({"data": []})


async def _json_list(request: Request) -> list[Any]:
    """The body, which raises ValueError where it is no JSON."""
    given = json.loads(await request.body())
    return given if isinstance(given, list) else [given]
