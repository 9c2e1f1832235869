"""The gateway as one process or several on one socket."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from pgjikan.errors import PgjikanError
from pgjikan.gateway import app, meters
from pgjikan.gateway.app import make_app
from pgjikan.gateway.bounds import BoundedProtocol, protocol
from pgjikan.gateway.settings import GatewaySettings

#: Seconds for the answers under way when the process stops.
GRACE = 5
#: Files that a process opens beside its connections and sessions, those of a whole `pgjikan up`.
_OTHER_FILES = 100
_MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 picks a free one. Raises PgjikanError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise PgjikanError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="Give another --port (of `pgjikan up`: --api-port).",
        ) from None


def url_of(listening: socket.socket, host: str) -> str:
    """Where a client finds the API."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/v4"


class GatewayThread(Thread):
    """A gateway on a thread of this process, until ``stop`` is set."""

    def __init__(self, listening: socket.socket, settings: GatewaySettings, stop: Event) -> None:
        super().__init__(name="gateway", daemon=True)
        self._listening = listening
        self._stop_event = stop
        settings = within_file_limit(settings)
        self._server = uvicorn.Server(
            config(make_app(settings), protocol(settings), trusted_proxy=settings.trusted_proxy)
        )
        self.failure: BaseException | None = None

    def run(self) -> None:
        watch = Thread(target=self._watch, name="gateway-stop", daemon=True)
        watch.start()
        try:
            self._server.run(sockets=[self._listening])
        except BaseException as error:
            self.failure = error
        finally:
            self._stop_event.set()

    def _watch(self) -> None:
        self._stop_event.wait()
        self._server.should_exit = True


def serve(
    listening: socket.socket,
    settings: GatewaySettings,
    *,
    workers: int,
    stop_on_signals: Callable[[Event], Any],
) -> None:
    """Serve until SIGTERM or SIGINT; answers under way are finished. Raises PgjikanError."""
    if workers > 1:
        _serve_many(listening, settings, workers)
        return
    stop = Event()
    with stop_on_signals(stop):
        thread = GatewayThread(listening, settings, stop)
        thread.start()
        while not stop.wait(3600):
            pass
        thread.join(GRACE + 2)
    if thread.failure is not None:
        raise PgjikanError(
            f"the gateway died of {type(thread.failure).__name__}",
            hint="The log has the traceback; please report it.",
        ) from thread.failure


def _serve_many(listening: socket.socket, settings: GatewaySettings, workers: int) -> None:
    within_file_limit(settings).shared_by(workers).to_environment()
    folder = tempfile.mkdtemp(prefix="pgjikan-metrics-")
    os.environ[_MULTIPROCESS_FOLDER] = folder
    try:
        workers_config = config(
            f"{app.__name__}:worker_app",
            BoundedProtocol,
            workers=workers,
            trusted_proxy=settings.trusted_proxy,
        )
        Workers(workers_config, sockets=[listening]).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Workers(Multiprocess):
    """Processes that are replaced when they die, and then count no more in what lives."""

    def keep_subprocess_alive(self) -> None:
        before = self._pids()
        super().keep_subprocess_alive()
        for pid in before - self._pids():
            meters.forget(pid)

    def _pids(self) -> set[int]:
        return {process.pid for process in self.processes if process.pid is not None}


def config(
    application: ASGIApp | str,
    http: type[asyncio.Protocol],
    *,
    workers: int = 1,
    trusted_proxy: str = "",
) -> uvicorn.Config:
    """How uvicorn runs the gateway, or what stands before one.

    Only a request from `trusted_proxy` (addresses and networks, by commas) says in X-Forwarded-For
    which client it is of.
    """
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    return uvicorn.Config(
        application,
        factory=isinstance(application, str),
        http=http,
        loop="uvloop",
        ws="none",
        lifespan="on",
        workers=workers,
        log_config=None,
        access_log=False,
        proxy_headers=bool(trusted_proxy),
        forwarded_allow_ips=trusted_proxy,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE,
    )


def within_file_limit(settings: GatewaySettings) -> GatewaySettings:
    """The settings with no more connections than this process may have files.

    It may have as many as the system allows from then on.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return settings
    most = max(soft - _OTHER_FILES - 2 * settings.connections, 1)
    return replace(settings, max_connections=min(settings.max_connections, most))
