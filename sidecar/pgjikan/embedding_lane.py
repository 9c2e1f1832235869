"""The lane that talks to embeddings APIs: lease a batch, embed it, hand the vectors in."""

from __future__ import annotations

from contextlib import suppress
from threading import Event
from typing import Literal

import structlog

from pgjikan import db, embedding_queue, meters
from pgjikan.embedders import Embedded, Embedder, load_embedder
from pgjikan.embedding_queue import Text
from pgjikan.errors import PgjikanError
from pgjikan.settings import Settings

log = structlog.get_logger()


class EmbeddingLane:
    """Works off tasks of lane embedding, a batch at a time; every decision about them is SQL's."""

    name: Literal["embedding"] = "embedding"

    def __init__(self, connect: db.Connect, settings: Settings, stop: Event, worker: str) -> None:
        self._connect = connect
        self._stop = stop
        self.worker = worker
        self._connection: db.Connection | None = None
        self._unrecorded: tuple[list[Text], Embedded] | None = None
        self._in_doubt = False
        self._embedders: dict[tuple[str, str, int], Embedder] = {}
        self._settings = settings

    def step(self) -> bool:
        """Embed one batch; False when none was due or the process is stopping.

        Raises psycopg.OperationalError when the server is gone; the next step connects again and
        first hands in the vectors that had been paid for, and hands back what a claim may have
        leased whose answer was lost: else that would wait until the lease ends.
        """
        connection = self._connected()
        if self._unrecorded is not None:
            self._record(connection, *self._unrecorded)
        if self._in_doubt:
            db.release_worker(connection, worker=self.worker)
        self._in_doubt = True
        texts = embedding_queue.claim_embeddings(connection, worker=self.worker)
        self._in_doubt = False
        if not texts:
            self._make_ready(connection)
            return False
        if self._stop.wait(texts[0].wait.total_seconds()):
            db.release_worker(connection, worker=self.worker)
            return False
        self._record(connection, texts, self._embed(texts))
        return True

    def close(self) -> None:
        """Hand back what is held and hang up; harmless when the server is gone."""
        if self._connection is not None and not self._connection.closed:
            db.release_worker(self._connection, worker=self.worker)
            self._connection.close()

    def _connected(self) -> db.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _make_ready(self, connection: db.Connection) -> None:
        """Load the model in use while nothing waits; if that fails, the first text says why."""
        if self._embedders:
            return
        if model := embedding_queue.active_model(connection):
            with suppress(PgjikanError):
                self._embedder(*model)

    def _embedder(self, provider: str, model: str, dimensions: int) -> Embedder:
        key = (provider, model, dimensions)
        if key not in self._embedders:
            self._embedders[key] = load_embedder(*key, self._settings)
        return self._embedders[key]

    def _embed(self, texts: list[Text]) -> Embedded:
        first = texts[0]
        try:
            embedder = self._embedder(first.provider, first.model, first.dimensions)
        except PgjikanError as error:
            # A package or a key is missing here; another sidecar, or this one restarted, may have
            # it, so the provider is left alone for a while and the reason shows in the status.
            hint = f" {error.hint}" if error.hint else ""
            return Embedded("unauthorised", message=f"{error}{hint}")
        return embedder.embed(
            [text.input for text in texts],
            purpose=first.purpose,
            titles=[text.title for text in texts],
        )

    def _record(self, connection: db.Connection, texts: list[Text], answer: Embedded) -> None:
        self._unrecorded = (texts, answer)
        if answer.outcome == "ok":
            stored = embedding_queue.store_embeddings(connection, texts, answer)
            verdict = (
                f"{stored.stored} stored, {stored.outdated} outdated, {stored.invalid} invalid"
            )
        else:
            verdict = embedding_queue.fail_embeddings(connection, texts, answer)
        self._unrecorded = None
        model = texts[0].model
        meters.EMBEDDING_SECONDS.labels(model, answer.outcome).observe(answer.elapsed_ms / 1000)
        meters.EMBEDDING_TOKENS.labels(model).inc(answer.tokens or 0)
        meters.TASKS.labels(self.name, texts[0].purpose, answer.outcome).inc(len(texts))
        log.info(
            "embedding_completed",
            purpose=texts[0].purpose,
            provider=texts[0].provider,
            model=model,
            texts=len(texts),
            outcome=answer.outcome,
            tokens=answer.tokens,
            ms=answer.elapsed_ms,
            verdict=verdict,
            message=answer.message or None,
        )
