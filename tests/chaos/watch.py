"""Beside the sidecars: sweeps as pg_cron would, and looks at every lease in force."""

from __future__ import annotations

from collections import Counter
from threading import Event, Thread
from typing import Any

from psycopg.rows import dict_row

from tests.chaos.stage import AWAY, Connection, Stage

#: A sweep leaves alone what somebody has locked at that moment; the next ones find it. Only one
#: that ran to its end counts: on a full disk none does, and no lease can be taken back.
SWEEPS = 3
LEASES = """
SELECT
    q.id, q.dedupe_key, q.leased_by, q.lease_token::text AS token, q.lease_expires_at,
    jikan_sync.clock_now() AS now,
    q.lease_expires_at < jikan_sync.clock_now() AS is_over,
    q.lease_expires_at
    > jikan_sync.clock_now() + jikan_sync.setting_interval('lease_duration') AS is_too_long
FROM jikan_sync.queue AS q
WHERE q.lease_token IS NOT NULL
"""
COUNTS = """
SELECT
    (SELECT count(*) FROM jikan_sync.queue_history AS h WHERE h.outcome = 'done') AS done,
    (SELECT count(*) FROM jikan_sync.dead_letter) AS dead,
    (
        SELECT count(*) FROM jikan_sync.queue_history AS h WHERE h.error_class = 'lease_expired'
    ) AS vanished,
    (SELECT count(*) FROM jikan_sync.queue AS q WHERE q.ready_at < 'infinity') AS waiting
"""


class Watch(Thread):
    """Sweep and look, once a second while the server lets it."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(name="watch", daemon=True)
        self.counts = {"done": 0, "dead": 0, "vanished": 0, "waiting": 0}
        self.looks = 0
        self.failure: BaseException | None = None
        self._stage = stage
        self._stop_event = Event()
        self._seen_over: Counter[str] = Counter()

    def stop(self) -> None:
        self._stop_event.set()
        self.join()

    def run(self) -> None:
        try:
            while not self._stop_event.is_set():
                try:
                    with self._stage.as_app() as connection:
                        while not self._stop_event.wait(1):
                            self._look(connection)
                except AWAY:
                    self._stop_event.wait(0.2)
        except BaseException as error:
            self.failure = error

    def _look(self, connection: Connection) -> None:
        jumps = len(self._stage.evidence.jumps)
        answer = connection.execute("SELECT jikan_sync.run_job('sweep_leases')").fetchone()
        leases = self.leases(connection)
        with connection.cursor(row_factory=dict_row) as cursor:
            self.counts = cursor.execute(COUNTS).fetchone() or self.counts
        self.looks += 1
        if len(self._stage.evidence.jumps) == jumps:
            self.judge(leases, was_swept=answer == ("ok",))

    def leases(self, connection: Connection) -> list[dict[str, Any]]:
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(LEASES).fetchall()

    def judge(self, leases: list[dict[str, Any]], *, was_swept: bool) -> None:
        """Note what has outlived its end by so many sweeps, and what was promised for too long."""
        for lease in leases:
            outlived = lease["is_over"] and was_swept
            self._seen_over[lease["token"]] += outlived
            if (outlived and self._seen_over[lease["token"]] == SWEEPS) or self._is_too_long(lease):
                self._stage.evidence.bad_leases.append(lease)

    def _is_too_long(self, lease: dict[str, Any]) -> bool:
        """After a jump back of the clock a lease has more time left than it was given."""
        return bool(lease["is_too_long"]) and not self._stage.evidence.jumps
