"""The lane that runs jobs where no pg_cron does: asks the database what is overdue, and runs it."""

from __future__ import annotations

from typing import Literal

from pgjikan import db


class JobLane:
    """Runs overdue jobs; a step that runs some says so, like any lane."""

    name: Literal["jobs"] = "jobs"

    def __init__(self, connect: db.Connect, worker: str) -> None:
        self._connect = connect
        self.worker = worker
        self._connection: db.Connection | None = None

    def step(self) -> bool:
        """Run what is overdue; False when nothing was.

        Raises psycopg.OperationalError when the server is gone; the next step connects again.
        """
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return db.tick(self._connection) > 0

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
