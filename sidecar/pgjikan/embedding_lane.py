"""The lane that talks to embeddings APIs: lease a batch, embed it, hand the vectors in."""

from __future__ import annotations

from contextlib import suppress
from threading import Event
from typing import Literal

import structlog

from pgjikan import db, embedding_queue, meters
from pgjikan.embedders import Embedded, Embedder, load_embedder
from pgjikan.embedding_queue import Text
from pgjikan.errors import PgjikanError, in_short
from pgjikan.session import Session
from pgjikan.settings import Settings

log = structlog.get_logger()

#: An answer that has lost the connection so often when it was handed in is what loses it.
HAND_INS = 5


class EmbeddingLane:
    """Works off tasks of lane embedding, a batch at a time; every decision about them is SQL's."""

    name: Literal["embedding"] = "embedding"

    def __init__(self, connect: db.Connect, settings: Settings, stop: Event, worker: str) -> None:
        self._session = Session(connect)
        self._stop = stop
        self.worker = worker
        self._unrecorded: tuple[list[Text], Embedded] | None = None
        self._tries = 0
        self._in_doubt = False
        self._embedders: dict[tuple[str, str, int], Embedder] = {}
        self._settings = settings
        self._may_lack_words = True

    def step(self) -> bool:
        """Embed one batch; False when none was due or the process is stopping.

        Whatever a batch raises, here or in SQL, is charged to the text that is to blame. Raises
        what `db.is_away` knows when the server is gone; the next step connects again and first
        hands in the vectors that had been paid for, and hands back what a claim may have leased
        whose answer was lost: else that would wait until the lease ends.
        """
        if self._unrecorded is not None:
            self._hand_in(*self._unrecorded)
        if self._in_doubt:
            self._session.call(db.release_worker, worker=self.worker)
        self._in_doubt = True
        texts = self._session.call(embedding_queue.claim_embeddings, worker=self.worker)
        self._in_doubt = False
        if not texts:
            self._make_ready()
            return self._learn_words()
        if self._stop.wait(texts[0].wait.total_seconds()):
            self._session.call(db.release_worker, worker=self.worker)
            return False
        self._hand_in(texts, self._embed(texts))
        self._may_lack_words = True
        if texts[0].purpose == "query":
            self._learn_words()
        return True

    def cancel(self, seconds: float) -> None:
        """From another thread: end what the server does for it, and let nothing begin any more."""
        self._session.cancel(seconds)

    def reset(self) -> None:
        """Give back what is held, and begin anew on another connection."""
        self._unrecorded = None
        self._tries = 0
        self._in_doubt = True
        self._session.close()
        self._session.call(db.release_worker, worker=self.worker)
        self._in_doubt = False

    def close(self) -> None:
        """Hand back what is held and hang up."""
        try:
            if self._session.was_used:
                self._session.call(db.release_worker, worker=self.worker)
        finally:
            self._session.close()

    def _learn_words(self) -> bool:
        """Embed a batch of single words; False when none is left until texts came by again.

        Nobody is charged for what fails here: the words stay, and the next text brings them up.
        """
        if not self._may_lack_words:
            return False
        words = self._session.call(embedding_queue.claim_words)
        self._may_lack_words = bool(words)
        if not words:
            return False
        try:
            embedder = self._embedder(words[0].provider, words[0].model, words[0].dimensions)
            answer = embedder.embed([word.word for word in words], purpose="query")
        except Exception as error:
            answer = Embedded("provider_error", message=in_short(error))
        if answer.outcome == "ok":
            self._session.call(embedding_queue.store_words, words=words, vectors=answer.vectors)
        else:
            self._may_lack_words = False
        log.info(
            "words_learnt",
            model=words[0].model,
            words=len(words),
            outcome=answer.outcome,
            ms=answer.elapsed_ms,
            message=answer.message or None,
        )
        return self._may_lack_words

    def _make_ready(self) -> None:
        """Load the model in use while nothing waits; if that fails, the first text says why."""
        if self._embedders:
            return
        if model := self._session.call(embedding_queue.active_model):
            with suppress(Exception):
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
        except Exception as error:
            # A package, a key or a file is missing here; another sidecar, or this one restarted,
            # may have it, so the provider is left alone for a while and the status says why.
            if not isinstance(error, PgjikanError):
                log.exception("model_not_loaded", provider=first.provider, model=first.model)
            hint = getattr(error, "hint", None)
            told = str(error) if isinstance(error, PgjikanError) else in_short(error)
            return Embedded("unauthorised", message=f"{told} {hint or ''}".strip())
        try:
            return embedder.embed(
                [text.input for text in texts],
                purpose=first.purpose,
                titles=[text.title for text in texts],
            )
        except Exception as error:
            return self._bug(texts, error)

    def _hand_in(self, texts: list[Text], answer: Embedded) -> None:
        """Say what came back; if that fails on a living server, or kills it, the batch shrinks."""
        self._unrecorded = (texts, answer)
        self._session.open()
        self._tries += 1
        try:
            verdict = self._record(texts, answer)
        except Exception as error:
            if db.is_away(error) and self._tries < HAND_INS:
                raise
            answer = self._bug(texts, error)
            verdict = self._record(texts, answer)
        self._unrecorded = None
        self._tries = 0
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

    def _record(self, texts: list[Text], answer: Embedded) -> str:
        if answer.outcome != "ok":
            return self._session.call(embedding_queue.fail_embeddings, texts, answer)
        stored = self._session.call(embedding_queue.store_embeddings, texts, answer)
        return f"{stored.stored} stored, {stored.outdated} outdated, {stored.invalid} invalid"

    def _bug(self, texts: list[Text], error: Exception) -> Embedded:
        """A bug costs the text that met it an attempt, and nobody else anything."""
        log.exception("batch_failed", task_ids=[text.task_id for text in texts])
        return Embedded("bug", message=in_short(error))
