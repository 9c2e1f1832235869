"""A Jikan v4 on this machine, for demos, tests and benchmarks: the gateway, made to fail.

A gateway answers from a database of its own; before it stands a layer of faults and limits::

    with Simulator([{"mal_id": 1, "title": "A title"}], limits=["3/s"], seed=7) as sim:
        client.fetch("/anime/1/full", base_url=sim.url)
        sim.fault("429", rate=0.5, path="/anime/*")
        sim.add({"mal_id": 900001, "title": "A new title"})
        sim.say("/anime/2", b'{"data":{"mal_id":"two"}}')
        assert sim.stats()["by_kind"] == {"full": 1}
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from threading import Thread
from types import TracebackType
from typing import Any, Self

import uvicorn

from pgjikan.gateway.app import make_app
from pgjikan.gateway.server import config, listen
from pgjikan.gateway.settings import GatewaySettings
from pgjikan.scratch import scratch_server
from pgjikan.simulator.abuse import Protocol
from pgjikan.simulator.catalogue import Catalogue
from pgjikan.simulator.controls import Controls
from pgjikan.simulator.faults import Fault
from pgjikan.simulator.layer import Layer
from pgjikan.simulator.limits import Limits

__all__ = ["Simulator"]


class Simulator:
    """A simulator in a thread of its own, on a loopback port.

    ``dsn`` is a database with the project in it, and nothing else that matters; without one a
    server is started for it and thrown away at the end. ``documents`` are stored there.
    """

    def __init__(
        self,
        documents: Iterable[Mapping[str, Any]] = (),
        *,
        dsn: str | None = None,
        limits: Iterable[str] = (),
        seed: int = 0,
        port: int = 0,
    ) -> None:
        self._documents = documents
        self._dsn = dsn
        self._limits = Limits(tuple(limits))
        self._seed = seed
        self._socket = listen("127.0.0.1", port)
        self._stack = ExitStack()
        self.port: int = self._socket.getsockname()[1]
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/v4"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Answer from now on. Raises PgjikanError, psycopg.Error."""
        with ExitStack() as stack:
            stack.callback(self._socket.close)
            dsn = self._dsn or stack.enter_context(scratch_server()).dsn()
            self._catalogue = Catalogue(dsn)
            stack.callback(self._catalogue.close)
            self._catalogue.fill(self._documents)
            gateway = make_app(GatewaySettings(dsn=dsn, access_log=False))
            self._layer = Layer(gateway, limits=self._limits, seed=self._seed)
            self._layer.controls = Controls(self._layer, self._catalogue)
            self._server = _Server(config(self._layer, Protocol))
            self._thread = Thread(
                target=self._server.run, args=([self._socket],), name="simulator", daemon=True
            )
            self._thread.start()
            while not self._server.started and self._thread.is_alive():
                time.sleep(0.002)
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Drop every connection and stop answering: to a client, the provider is dead."""
        self._server.should_exit = True
        self._thread.join()
        self._stack.close()

    def wait(self) -> None:
        """Until the simulator ends, which it does only by ``stop``."""
        self._thread.join()

    def stats(self) -> dict[str, Any]:
        """Counts by kind, status and fault, every request with its time of arrival, and titles."""
        return self._layer.stats() | {"titles": len(self._catalogue)}

    def reset(self) -> None:
        """Forget requests, faults and used-up limits."""
        self._layer.reset()

    def add(self, document: Mapping[str, Any]) -> None:
        """Publish a title, or change the fields given of a known one."""
        self._catalogue.add(document)

    def add_part(self, mal_id: int, facet: str, data: Any) -> None:
        """Publish what one of a title's routes answers, such as its ``images``."""
        self._catalogue.add_part(mal_id, facet, data)

    def remove(self, mal_id: int) -> None:
        """From now on the title does not exist."""
        self._catalogue.remove(mal_id)

    def say(self, url: str, body: bytes, status: int = 200, **headers: str) -> None:
        """From now on answer a path and its query with these very bytes."""
        self._layer.say(url, body, status, headers)

    def fault(self, fault: str | Fault, **options: Any) -> None:
        """``fault("429", rate=0.1)`` or, the same in one text, ``fault("429,rate=0.1")``."""
        wanted = Fault.parse(fault) if isinstance(fault, str) and not options else fault
        if isinstance(wanted, str):
            wanted = Fault(wanted, **options)
        self._layer.arm(wanted)

    def clear_faults(self) -> None:
        """From now on nothing goes wrong."""
        self._layer.disarm()


class _Server(uvicorn.Server):
    """Ends at once, whatever is under way."""

    async def shutdown(self, sockets: Any = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)
