"""The lane that runs jobs where no pg_cron does: asks the database what is overdue, and runs it."""

from __future__ import annotations

from typing import Literal

from pgjikan import db
from pgjikan.session import Session


class JobLane:
    """Runs overdue jobs; a step that runs some says so, like any lane."""

    name: Literal["jobs"] = "jobs"

    def __init__(self, connect: db.Connect, worker: str) -> None:
        self._session = Session(connect)
        self.worker = worker

    def step(self) -> bool:
        """Run what is overdue; False when nothing was."""
        return self._session.call(db.tick) > 0

    def cancel(self, seconds: float) -> None:
        """Nothing: what a job has begun the server finishes, whoever waits for it."""

    def reset(self) -> None:
        """Hang up; it holds nothing."""
        self._session.close()

    close = reset
