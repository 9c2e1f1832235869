"""The simulator as a web application: Jikan under /v4, its controls under /_simulator."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from pgjikan.simulator import answers, routes, spoiling
from pgjikan.simulator.answers import Answer
from pgjikan.simulator.data import Catalogue
from pgjikan.simulator.faults import Fault, FaultPlan
from pgjikan.simulator.limits import Limits
from pgjikan.simulator.recordings import Recordings

_LIBRARY_AGENTS = re.compile(
    r"(python-requests|python-urllib|python/\S+ aiohttp|python-httpx)", re.I
)
_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request to the API: when it came (epoch seconds), what it asked, what it got."""

    at: float
    path: str
    query: str
    kind: str
    status: int
    fault: str | None
    user_agent: str


class Upstream:
    """A Jikan v4 with a memory of what it was asked and a list of what should go wrong."""

    def __init__(
        self,
        catalogue: Catalogue,
        recordings: Recordings | None = None,
        *,
        limits: Limits | None = None,
        seed: int = 0,
    ) -> None:
        self.catalogue = catalogue
        self.recordings = recordings
        self.limits = limits or Limits()
        self.faults = FaultPlan(seed)
        self.closing = asyncio.Event()
        self._arrivals: deque[Arrival] = deque(maxlen=_REMEMBERED)
        self._elsewhere = 0
        self._changed: set[int] = set()
        self._clock_offset = time.time() - time.monotonic()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        control = "/_simulator"
        app.add_routes(
            [
                web.get(f"{control}/stats", self._get_stats),
                web.post(f"{control}/reset", self._post_reset),
                web.get(f"{control}/faults", self._get_faults),
                web.post(f"{control}/faults", self._post_faults),
                web.delete(f"{control}/faults", self._delete_faults),
                web.post(f"{control}/documents", self._post_documents),
                web.delete(f"{control}/documents/{{mal_id:\\d+}}", self._delete_document),
                web.get(f"{control}/recorded/{{name}}", self._get_recorded),
                web.get(f"{control}/elsewhere", self._get_elsewhere),
                web.route("*", "/v{version:\\d}{path:.*}", self._api),
            ]
        )
        app.on_shutdown.append(self._close)
        return app

    # --- what tests and the command line ask -----------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Counts by kind, status and fault, and every request with its time of arrival."""
        return {
            "total": len(self._arrivals),
            "by_kind": dict(Counter(a.kind for a in self._arrivals)),
            "by_status": dict(Counter(str(a.status) for a in self._arrivals)),
            "faults": dict(self.faults.struck),
            "redirects_followed": self._elsewhere,
            "titles": len(self.catalogue),
            "requests": [asdict(a) for a in self._arrivals],
        }

    def reset(self) -> None:
        """Forget requests, faults and used-up limits; titles stay as they are."""
        self._arrivals.clear()
        self._elsewhere = 0
        self.faults.reset()
        self.limits.reset()

    def put(self, document: Mapping[str, Any]) -> None:
        self.catalogue.put(document)
        self._changed.add(document["mal_id"])

    def remove(self, mal_id: int) -> None:
        self.catalogue.remove(mal_id)
        self._changed.add(mal_id)

    # --- the API -----------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        now = time.monotonic()
        path, query = request.match_info["path"], dict(request.query)
        kind, _ = routes.kind_of(path, query)
        agent = request.headers.get("User-Agent", "")
        fault: Fault | None = None
        if not self.limits.accepts(now):
            answer: Answer | None = answers.rate_limited()
        elif _LIBRARY_AGENTS.match(agent):
            answer = answers.html(403, "403 Forbidden: send a User-Agent of your own")
        elif request.method != "GET":
            answer = answers.failed(405, "HttpException", "Method Not Allowed")
        else:
            fault = self.faults.pick(path)
            answer = honest = self._honest(
                path, query, shifted=bool(fault and fault.kind == "shift")
            )
            if fault:
                answer = spoiling.spoilt(fault, path, honest)
        self._arrivals.append(
            Arrival(
                at=now + self._clock_offset,
                path=path,
                query=request.query_string,
                kind=kind,
                status=answer.status if answer else 0,
                fault=fault.kind if fault else None,
                user_agent=agent,
            )
        )
        if answer is None and fault:
            await spoiling.abuse(fault, request, honest, self.closing)
            return web.Response()
        assert answer is not None
        return _sent(answer, request)

    def _honest(self, path: str, query: Mapping[str, str], *, shifted: bool) -> Answer:
        subject = re.match(r"/anime/(\d+)", path)
        if self.recordings and not (subject and int(subject[1]) in self._changed):
            recorded = self.recordings.answer(path, query)
            if recorded:
                return recorded
        return routes.answer(self.catalogue, path, query, shifted=int(shifted))

    # --- the controls ------------------------------------------------------------------------

    async def _get_stats(self, request: web.Request) -> web.Response:
        return web.json_response(self.stats())

    async def _post_reset(self, request: web.Request) -> web.Response:
        self.reset()
        return web.json_response(self.stats())

    async def _get_faults(self, request: web.Request) -> web.Response:
        return web.json_response(self.faults.as_json())

    async def _post_faults(self, request: web.Request) -> web.Response:
        given = await _json_list(request)
        try:
            wanted = [
                Fault.parse(one) if isinstance(one, str) else Fault.from_mapping(one)
                for one in given
            ]
        except (ValueError, TypeError) as e:
            raise web.HTTPBadRequest(text=str(e)) from e
        for fault in wanted:
            self.faults.add(fault)
        return web.json_response(self.faults.as_json())

    async def _delete_faults(self, request: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response([])

    async def _post_documents(self, request: web.Request) -> web.Response:
        given = await _json_list(request)
        if not all(isinstance(d, dict) and type(d.get("mal_id")) is int for d in given):
            raise web.HTTPBadRequest(text="each document needs a mal_id")
        for document in given:
            self.put(document)
        return web.json_response({"titles": len(self.catalogue)})

    async def _delete_document(self, request: web.Request) -> web.Response:
        self.remove(int(request.match_info["mal_id"]))
        return web.json_response({"titles": len(self.catalogue)})

    async def _get_recorded(self, request: web.Request) -> web.Response:
        found = self.recordings and self.recordings.by_name(request.match_info["name"])
        if not found:
            raise web.HTTPNotFound(text="no recording of that name")
        return _sent(found, request)

    async def _get_elsewhere(self, request: web.Request) -> web.Response:
        self._elsewhere += 1
        return web.json_response({"data": []})

    async def _close(self, app: web.Application) -> None:
        self.closing.set()


async def _json_list(request: web.Request) -> list[Any]:
    try:
        given = json.loads(await request.text())
    except ValueError as e:
        raise web.HTTPBadRequest(text=f"not JSON: {e}") from e
    return given if isinstance(given, list) else [given]


def _sent(answer: Answer, request: web.Request) -> web.Response:
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}
    headers |= {name.title(): value for name, value in answer.headers.items()}
    body = answer.body
    if "gzip" in request.headers.get("Accept-Encoding", "") and body:
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        body = gzip.compress(body, compresslevel=1)
    return web.Response(status=answer.status, body=body, headers=headers)
