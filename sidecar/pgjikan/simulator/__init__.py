"""A Jikan v4 on this machine, for demos, tests and benchmarks.

In a test::

    with Simulator(limits=["3/s"], seed=7) as sim:
        client.fetch("/anime/1/full", base_url=sim.url)
        sim.fault("429", rate=0.5, path="/anime/*")
        sim.add({"mal_id": 900001, "title": "A new title"})
        assert sim.stats()["by_kind"] == {"full": 1}
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from pgjikan.errors import PgjikanError
from pgjikan.simulator import documents
from pgjikan.simulator.app import Upstream
from pgjikan.simulator.data import Catalogue, Title, builtin_titles, titles_from
from pgjikan.simulator.faults import Fault
from pgjikan.simulator.limits import Limits
from pgjikan.simulator.recordings import Recordings

__all__ = ["Simulator", "listen", "upstream"]

Data = str | Path | Iterable[Mapping[str, Any]] | None
T = TypeVar("T")


class Simulator:
    """A simulator in a thread of its own, on a free loopback port."""

    def __init__(
        self, data: Data = None, *, limits: Iterable[str] = (), seed: int = 0, port: int = 0
    ) -> None:
        self._upstream = upstream([] if data is None else [data], limits=limits, seed=seed)
        self._socket = listen(port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="simulator", daemon=True)
        self._ready = threading.Event()
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
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Drop every connection and stop answering: to a client, the provider is dead."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._socket.close()

    def stats(self) -> dict[str, Any]:
        return self._ask(self._upstream.stats)

    def reset(self) -> None:
        """Forget requests, faults and used-up limits."""
        self._ask(self._upstream.reset)

    def add(self, document: Mapping[str, Any]) -> None:
        """Publish a title, or change the fields given of a known one."""
        self._ask(lambda: self._upstream.put(document))

    def remove(self, mal_id: int) -> None:
        """From now on the title does not exist."""
        self._ask(lambda: self._upstream.remove(mal_id))

    def fault(self, fault: str | Fault, **options: Any) -> None:
        """``fault("429", rate=0.1)`` or, the same in one text, ``fault("429,rate=0.1")``."""
        wanted = Fault.parse(fault) if isinstance(fault, str) and not options else fault
        if isinstance(wanted, str):
            wanted = Fault(wanted, **options)
        self._ask(lambda: self._upstream.faults.add(wanted))

    def clear_faults(self) -> None:
        self._ask(self._upstream.faults.clear)

    def _ask(self, question: Callable[[], T]) -> T:
        async def answer() -> T:
            return question()

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(timeout=10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._upstream.application(), access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.SockSite(runner, self._socket).start())
        self._loop.call_soon(self._ready.set)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(runner.cleanup())
            self._loop.close()


def upstream(sources: Iterable[Data], *, limits: Iterable[str] = (), seed: int = 0) -> Upstream:
    """A simulator's mind from files of JSON lines, folders of recordings, or documents."""
    titles: list[Title] = []
    recordings: Recordings | None = None
    sources = list(sources)
    for source in sources:
        if isinstance(source, str | Path):
            path = Path(source)
            if path.is_dir():
                recordings = Recordings(path)
                titles += recordings.titles()
            else:
                titles += titles_from(path)
        elif source is not None:
            titles += [Title.of(documents.complete(document)) for document in source]
    catalogue = Catalogue(titles if sources else builtin_titles())
    return Upstream(catalogue, recordings, limits=Limits(tuple(limits)), seed=seed)


def listen(port: int) -> socket.socket:
    """A listening loopback socket; port 0 picks a free one."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as e:
        raise PgjikanError(
            f"cannot listen on 127.0.0.1:{port}: {e.strerror}", hint="choose another --port"
        ) from e
