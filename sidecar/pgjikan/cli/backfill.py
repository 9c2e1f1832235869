"""The work of `pgjikan embeddings backfill`."""

from __future__ import annotations

import logging
import time
import uuid
from threading import Event
from typing import Any

import psycopg

from pgjikan import db, log
from pgjikan.cli.progress import counting_bar
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.errors import PgjikanError
from pgjikan.settings import read_settings

#: Seconds between two looks at how far it is.
PATIENCE = 1.0


def drain(dsn: str, connection: psycopg.Connection[Any], model_id: int) -> dict[str, Any]:
    """Take part in the lane's work until the model lacks nothing that can still come."""
    log.configure(level=logging.WARNING)
    worker = f"backfill:{uuid.uuid4().hex[:8]}"
    lane = EmbeddingLane(db.connector(dsn, "pgjikan backfill"), read_settings(), Event(), worker)
    pause = Event()
    with counting_bar("titles") as bar:
        task = bar.add_task("embedding", total=None, detail="")
        looked_at = 0.0
        try:
            while True:
                did_work = lane.step()
                if did_work and time.monotonic() < looked_at + PATIENCE:
                    continue
                looked_at = time.monotonic()
                row = _progress(connection, model_id)
                bar.update(task, total=row["title_count"], completed=row["current_count"])
                if row["left_count"] == 0:
                    return row
                if row["blocked_reason"]:
                    raise PgjikanError(
                        f"the provider does not answer: {row['blocked_reason']}",
                        hint=f"Nothing is lost; go on after {row['blocked_until']:%Y-%m-%d %H:%M} "
                        "with the same command, or leave it to the sidecar.",
                    )
                if not did_work:
                    pause.wait(PATIENCE)
        finally:
            lane.close()


def _progress(connection: psycopg.Connection[Any], model_id: int) -> dict[str, Any]:
    row = connection.execute(
        "SELECT b.* FROM jikan_sync.backfill_progress(model_id => %(model_id)s) AS b",
        {"model_id": model_id},
    ).fetchone()
    assert row is not None  # the function answers one row
    return dict(row)
