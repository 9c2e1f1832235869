"""What stands before the simulator's gateway: limits, faults, and a memory of who asked what."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pgjikan.gateway.refusals import Reply
from pgjikan.simulator import answers, spoiling
from pgjikan.simulator.abuse import ABUSES, abuse
from pgjikan.simulator.faults import Fault, FaultPlan
from pgjikan.simulator.limits import Limits

CONTROL = "/_simulator"
_LIBRARY_AGENTS = re.compile(
    r"(python-requests|python-urllib|python/\S+ aiohttp|python-httpx)", re.I
)
_REMEMBERED = 200_000
#: Of requests that must be answered with a body, and one that can be spoilt.
_PLAIN = frozenset({b"accept-encoding", b"if-none-match"})
_VERSION = re.compile(r"^/v\d(?=/|$)")

_Question = tuple[str, frozenset[tuple[str, str]]]


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


class Layer:
    """An ASGI application before another."""

    controls: ASGIApp

    def __init__(self, gateway: ASGIApp, *, limits: Limits, seed: int) -> None:
        self._gateway = gateway
        self._limits = limits
        self._faults = FaultPlan(seed)
        self._said: dict[_Question, Reply] = {}
        self._arrivals: deque[Arrival] = deque(maxlen=_REMEMBERED)
        self._elsewhere = 0
        self._clock_offset = time.time() - time.monotonic()
        #: Who steers is in another thread than who answers.
        self._lock = Lock()

    # --- what tests and the command line ask -----------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Counts by kind, status and fault, and every request with its time of arrival."""
        with self._lock:
            arrivals, struck = list(self._arrivals), dict(self._faults.struck)
        return {
            "total": len(arrivals),
            "by_kind": dict(Counter(a.kind for a in arrivals)),
            "by_status": dict(Counter(str(a.status) for a in arrivals)),
            "faults": struck,
            "redirects_followed": self._elsewhere,
            "requests": [asdict(a) for a in arrivals],
        }

    def reset(self) -> None:
        """Forget requests, faults and used-up limits; titles stay as they are."""
        with self._lock:
            self._arrivals.clear()
            self._elsewhere = 0
            self._faults.reset()
            self._limits.reset()

    def say(self, url: str, body: bytes, status: int, headers: Mapping[str, str]) -> None:
        """Answer a path and its query with these very bytes."""
        split = urlsplit(url)
        self._said[_question(split.path, dict(parse_qsl(split.query)))] = Reply(
            status, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    def arm(self, *faults: Fault) -> None:
        """Let these go wrong too."""
        with self._lock:
            for fault in faults:
                self._faults.add(fault)

    def disarm(self) -> None:
        """Let nothing go wrong."""
        with self._lock:
            self._faults.clear()

    def armed(self) -> list[dict[str, Any]]:
        """What may go wrong, as JSON."""
        with self._lock:
            return self._faults.as_json()

    def followed(self) -> None:
        """Somebody followed a redirect."""
        self._elsewhere += 1

    # --- the API ---------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._gateway(scope, receive, send)
        elif scope["path"].startswith(CONTROL):
            await self.controls(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        now = time.monotonic()
        path = _VERSION.sub("", scope["path"])
        agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
        fault: Fault | None = None
        with self._lock:
            is_allowed = self._limits.accepts(now)
        if not is_allowed:
            answer = answers.rate_limited()
        elif _LIBRARY_AGENTS.match(agent):
            answer = answers.html(403, "403 Forbidden: send a User-Agent of your own")
        else:
            with self._lock:
                fault = self._faults.pick(path)
            answer = await self._spoilt(fault, path, scope)
        is_abused = fault is not None and fault.kind in ABUSES
        arrival = Arrival(
            at=now + self._clock_offset,
            path=path,
            query=scope["query_string"].decode("latin-1"),
            kind=kind_of(path, _query(scope)),
            status=0 if is_abused else answer.status,
            fault=fault.kind if fault else None,
            user_agent=agent,
        )
        with self._lock:
            self._arrivals.append(arrival)
        if fault is not None and is_abused:
            await abuse(fault, scope, receive, answer)
        else:
            await _send(answer, send)

    async def _spoilt(self, fault: Fault | None, path: str, scope: Scope) -> Reply:
        if fault is None:
            return await self._honest(path, scope)
        plain = [pair for pair in scope["headers"] if pair[0] not in _PLAIN]
        asked = {**scope, "headers": plain}
        honest = await self._honest(path, asked)
        if fault.kind != "shift":
            return spoiling.spoilt(fault, path, honest)
        query = _query(scope)
        page = int(query.get("page", 1))
        if page <= 1:
            return honest
        before = urlencode(query | {"page": str(page - 1)}).encode()
        return spoiling.slid(
            honest,
            await self._honest(path, asked | {"query_string": before}),
            int(query.get("limit", 25)),
        )

    async def _honest(self, path: str, scope: Scope) -> Reply:
        """What is to be said to the question, or what the gateway says.

        What a gateway does not have may be somewhere upstream; here it is nowhere.
        """
        said = self._said.get(_question(path, _query(scope)))
        if said is not None:
            return said
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._gateway(scope, _hear_nothing, collect)
        headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        reply = Reply(messages[0]["status"], messages[1].get("body", b""), headers)
        return answers.missing(path) if reply.status == 504 else reply


def kind_of(path: str, query: Mapping[str, str]) -> str:
    """What is asked for: of a title its part, else the route; ``catalogue`` for all by id."""
    words = path.strip("/").split("/")
    if words[0] == "seasons":
        return "_".join(words) if len(words) < 3 else "season"
    if words[0] != "anime":
        return words[0]
    if len(words) > 2:
        return words[2]
    if len(words) == 2:
        return "anime"
    by_id = "q" not in query and query.get("order_by") == "mal_id"
    return "catalogue" if by_id else "search"


def _question(path: str, query: Mapping[str, str]) -> _Question:
    return path, frozenset(query.items()) - {("page", "1")}


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


async def _hear_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(reply: Reply, send: Send) -> None:
    headers = {"content-type": "application/json"}
    headers |= {name.lower(): value for name, value in reply.headers.items()}
    headers["content-length"] = str(len(reply.body))
    wire = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": wire})
    await send({"type": "http.response.body", "body": reply.body})
