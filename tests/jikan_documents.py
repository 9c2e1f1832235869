"""An upstream that answers what it is given, and remembers in which order it was asked."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Documents:
    """`Documents({"/anime/1/full": {"data": …}})`: the path without query decides.

    A value may be a number: the status of an error; one of (301, path) redirects. What is not
    there is a 404.
    """

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.removeprefix("/v4")
                outer.asked.append(path)
                given = outer.answers.get(path, outer.answers.get(path.partition("?")[0], 404))
                status, body = 200, given
                if isinstance(given, tuple):
                    status, body = given[0], {}
                elif isinstance(given, int):
                    status = given
                    body = {
                        "status": status,
                        "type": "BadResponseException" if status == 404 else "Exception",
                        "message": "Resource does not exist",
                        "error": f"{status} on {path}",
                    }
                text = json.dumps(body).encode()
                self.send_response_only(status)
                if isinstance(given, tuple):
                    self.send_header("Location", f"/v4{given[1]}")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def handle(self) -> None:
                with suppress(ConnectionError):
                    super().handle()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v4"

    def __enter__(self) -> Self:
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
