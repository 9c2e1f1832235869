"""A stand-in for Google's embedding API on 127.0.0.1: its paths, its answers, its failures.

The bodies of the failures are Google's own, as users of both packages posted them in public issue
trackers: `error.details` with google.rpc.QuotaFailure, RetryInfo, ErrorInfo and BadRequest.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pgjikan.settings import Settings

KEY = "AIza-secret-of-the-tests"
TYPE = "type.googleapis.com/google.rpc."
QUOTA_METRIC = "generativelanguage.googleapis.com/embed_content_free_tier_requests"
_PATH = re.compile(r"(?P<prefix>.*)/v1beta/models/(?P<model>[^/:]+):(?P<method>\w+)(\?.*)?$")


def _error(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return {"error": error}


def _quota(period: str, value: str) -> dict[str, Any]:
    return {
        "@type": TYPE + "QuotaFailure",
        "violations": [
            {
                "quotaMetric": QUOTA_METRIC,
                "quotaId": f"EmbedContentRequests{period}PerUserPerProjectPerModel-FreeTier",
                "quotaDimensions": {"model": "gemini-embedding-1.0", "location": "global"},
                "quotaValue": value,
            }
        ],
    }


_HELP = {"@type": TYPE + "Help", "links": [{"description": "Learn more", "url": "https://x"}]}
_RETRY_58 = {"@type": TYPE + "RetryInfo", "retryDelay": "58s"}
_RETRY_FRACTION = {"@type": TYPE + "RetryInfo", "retryDelay": "45.407126s"}
_EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
_BAD_KEY = {
    "@type": TYPE + "ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
    "metadata": {"service": "generativelanguage.googleapis.com"},
}

# name → status, body, headers
FAILURES: dict[str, tuple[int, Any, dict[str, str]]] = {
    "minute quota": (
        429,
        _error(429, "RESOURCE_EXHAUSTED", _EXCEEDED, _HELP, _quota("PerMinute", "100"), _RETRY_58),
        {},
    ),
    "day quota": (
        429,
        _error(
            429, "RESOURCE_EXHAUSTED", _EXCEEDED, _quota("PerDay", "1000"), _HELP, _RETRY_FRACTION
        ),
        {},
    ),
    "bare 429": (
        429,
        _error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
        {},
    ),
    "429 with a header": (429, "Too Many Requests", {"Retry-After": "7"}),
    "bad request": (
        400,
        _error(
            400,
            "INVALID_ARGUMENT",
            "* BatchEmbedContentsRequest.requests[0].content: contents is required",
            {"@type": TYPE + "BadRequest", "fieldViolations": [{"field": "requests[0].content"}]},
        ),
        {},
    ),
    "bad key": (
        400,
        _error(
            400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", _BAD_KEY
        ),
        {},
    ),
    "country": (
        400,
        _error(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
        {},
    ),
    "401": (401, _error(401, "UNAUTHENTICATED", "Request had invalid credentials."), {}),
    "403": (403, _error(403, "PERMISSION_DENIED", "Your API key was reported as leaked."), {}),
    "404": (404, _error(404, "NOT_FOUND", "models/x is not found for API version v1beta"), {}),
    "404 of a proxy": (404, "<html>Not Found</html>", {}),
    "500": (500, _error(500, "INTERNAL", "An internal error has occurred."), {}),
    "503": (503, _error(503, "UNAVAILABLE", "The model is overloaded."), {"Retry-After": "3"}),
    "502 of a proxy": (502, "<html>Bad Gateway</html>", {}),
}


def settings(key: str | None = KEY, **fields: Any) -> Settings:
    """Settings with a key, whatever the environment holds."""
    return Settings.model_validate({"PGJIKAN_GEMINI_API_KEY": key, **fields})


# name → body under a 200
NO_ANSWERS: dict[str, Any] = {
    "not JSON": "<html>welcome to this network</html>",
    "nothing": "",
    "an empty object": {},
    "a list": [1],
    "null": None,
    "a number for embeddings": {"embeddings": 5},
    "numbers for embeddings": {"embeddings": [5, 6]},
}


@dataclass(frozen=True)
class Received:
    path: str
    prefix: str
    model: str
    method: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The single requests, whichever the method."""
        found: list[dict[str, Any]] = self.body.get("requests", [self.body])
        return found


def vector_of(text: str, dimensions: int) -> list[float]:
    """A vector that only this text has, and that is not of length 1: as if truncated."""
    digest = hashlib.shake_256(text.encode()).digest(dimensions)
    return [byte / 2550 + 0.001 for byte in digest]


class GeminiServer:
    """Answers well until `fault` says otherwise; `received` keeps every request."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self.echo_key = False
        self.received: list[Received] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, received: Received) -> tuple[int, Any, dict[str, str]]:
        if self.fault in FAILURES:
            return FAILURES[self.fault]
        values = [self._values(one) for one in received.requests]
        if self.fault == "short batch":
            values.pop()
        elif self.fault == "one vector for all":
            values = values[:1]
        if received.method == "embedContent":
            return 200, {"embedding": {"values": values[0]}}, {}
        usage = {"promptTokenCount": 5 * len(received.requests)}
        embeddings = [{"values": one} if one else {} for one in values]
        return 200, {"embeddings": embeddings, "usageMetadata": usage}, {}

    def _values(self, request: dict[str, Any]) -> list[Any]:
        text = "".join(part["text"] for part in request["content"]["parts"])
        values: list[Any] = vector_of(text, request["outputDimensionality"])
        if self.fault == "wrong dimensions":
            return values[:-1]
        if self.fault == "NaN":
            values[1] = float("nan")
        elif self.fault == "quoted NaN":
            values[1] = "NaN"
        elif self.fault == "infinity":
            values[1] = float("inf")
        elif self.fault == "zero vector":
            return [0.0] * len(values)
        elif self.fault == "empty vector":
            return []
        elif self.fault == "words for numbers":
            return ["a"] * len(values)
        return values


def _handler(gemini: GeminiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = _PATH.fullmatch(self.path)
            if found is None:
                self.send_error(404)
                return
            received = Received(
                path=self.path,
                prefix=found["prefix"],
                model=found["model"],
                method=found["method"],
                headers={name.lower(): value for name, value in self.headers.items()},
                body=body,
            )
            gemini.received.append(received)
            if gemini.fault == "hang":
                if not gemini.closing.wait(10):  # who waits that long has no time out
                    self._send(*gemini.answer(received))
            elif gemini.fault == "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.shutdown(socket.SHUT_RD)
                self.connection.close()
            elif gemini.fault == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"embeddings": [')
            elif gemini.fault in NO_ANSWERS:
                self._send(200, NO_ANSWERS[gemini.fault], {})
            else:
                self._send(*gemini.answer(received))

        def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
            text = body if isinstance(body, str) else json.dumps(body)
            if gemini.echo_key:
                text = text.replace("API key", f"API key {self.headers['x-goog-api-key']}")
            payload = text.encode()
            self.send_response(status)
            kind = "text/html" if isinstance(body, str) else "application/json; charset=UTF-8"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(payload)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    return Handler
