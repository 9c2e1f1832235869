"""The sidecars: real processes of `pgjikan sidecar`, started, killed, started again.

They are forked from a process that has everything imported, so that a kill costs milliseconds and
not two seconds of importing.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock

from tests.chaos.evidence import Life

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pgjikan.cli", "pgjikan.sidecar", "pgjikan.embedders.google"])


def _live(environment: Mapping[str, str], log: Path) -> None:
    os.environ.update(environment)
    descriptor = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = ["pgjikan", "sidecar", "--verbose"]
    from pgjikan.cli import main

    main()


class Fleet:
    """So many sidecars; each start is a life with a number and a key of its own."""

    def __init__(
        self, environment: Mapping[str, str], databases: Sequence[str], folder: Path
    ) -> None:
        self.lives: list[Life] = []
        self._environment = environment
        self._databases = databases
        self._folder = folder
        self._running: dict[int, tuple[Life, BaseProcess]] = {}
        self._lock = Lock()

    def start(self, place: int) -> None:
        with self._lock:
            number = len(self.lives)
            environment = {
                **self._environment,
                "DATABASE_URL": self._databases[place],
                "PGJIKAN_GEMINI_API_KEY": f"life-{number}",
            }
            process = _FORKS.Process(target=_live, args=(environment, self.log(number)))
            life = Life(number, time.time())
            process.start()
            self.lives.append(life)
            self._running[place] = (life, process)

    def kill(self, place: int) -> None:
        """SIGKILL, wherever it is in its work."""
        self.look()
        with self._lock:
            life, process = self._running.pop(place)
            life.was_killed = True
            process.kill()
            process.join()
            life.ended_at, life.exit_code = time.time(), process.exitcode

    def pause(self, place: int) -> Callable[[], None]:
        """SIGSTOP; answers what lets it go on, if it is not killed meanwhile."""

        def go_on() -> None:
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid or 0, signal.SIGCONT)

        with self._lock:
            _, process = self._running.get(place, (None, None))
            if process is not None and process.is_alive():
                os.kill(process.pid or 0, signal.SIGSTOP)
        return go_on

    def look(self) -> None:
        """Notice who ended without being killed, and start it again as a supervisor would."""
        with self._lock:
            ended = [place for place, (_, p) in self._running.items() if not p.is_alive()]
            for place in ended:
                self._bury(place)
        for place in ended:
            self.start(place)

    def stop(self) -> None:
        """SIGTERM to all; they finish or hand back what they hold."""
        with self._lock:
            for _, process in self._running.values():
                process.terminate()
            for place in list(self._running):
                self._running[place][1].join(30)
                self._running[place][1].kill()
                self._running[place][1].join()
                self._bury(place)

    def log(self, number: int) -> Path:
        return self._folder / f"sidecar-{number}.log"

    def _bury(self, place: int) -> None:
        life, process = self._running.pop(place)
        life.ended_at, life.exit_code = time.time(), process.exitcode
