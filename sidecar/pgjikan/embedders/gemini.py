"""What both Google packages share: models, how a text is put to them, how a failure is read."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from pgjikan.embedders import Embedded, Outcome, Purpose
from pgjikan.errors import PgjikanError
from pgjikan.settings import Settings

BATCH = 100  # contents in a request, Google's limit
MAX_DIMENSIONS = 3072
# Models that know the purpose by a field of the request. All later ones want it in the text.
_TASK_TYPE_MODELS = ("gemini-embedding-001",)
_TASK_TYPES: dict[Purpose, str] = {"document": "RETRIEVAL_DOCUMENT", "query": "RETRIEVAL_QUERY"}

_LONGEST_MESSAGE = 300
# Not the texts' fault, though Google answers 400: a bad or expired key, a country not served.
_OUR_FAULT_REASONS = {"API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED"}


class GeminiEmbedder(ABC):
    """One Gemini embedding model, by one of the packages; none of them retries anything itself."""

    provider: ClassVar[str]

    def __init__(
        self,
        model: str,
        dimensions: int,
        *,
        key: str,
        base_url: str | None = None,
        timeout_seconds: float = 20.0,
    ) -> None:
        self.model = model
        self.dimensions = dimensions
        self._key = key
        self._connect(base_url, timeout_seconds)

    @classmethod
    def open(cls, model: str, dimensions: int, settings: Settings) -> Self:
        """Return the embedder for the model with the settings' key."""
        check_request(model, dimensions)
        return cls(
            model,
            dimensions,
            key=api_key(settings),
            base_url=base_url(settings),
            timeout_seconds=settings.embedding_timeout_seconds,
        )

    def embed(
        self,
        texts: Sequence[str],
        *,
        purpose: Purpose,
        titles: Sequence[str | None] | None = None,
    ) -> Embedded:
        """Embed at most 100 texts in one request."""
        if not texts:
            return Embedded("ok")
        refused = refusal(texts)
        if refused is not None:
            return refused
        started = time.monotonic()
        embedded = self._attempt(prompts(self.model, texts, purpose, titles), purpose)
        return replace(embedded, elapsed_ms=round((time.monotonic() - started) * 1000))

    @abstractmethod
    def _connect(self, base_url: str | None, timeout_seconds: float) -> None:
        """Make the package's client; it sends nothing yet."""

    @abstractmethod
    def _attempt(self, prompts: Sequence[str], purpose: Purpose) -> Embedded:
        """Send one request and name its outcome."""


def check_request(model: str, dimensions: int) -> None:
    """Raise where the model cannot return vectors of that length."""
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise PgjikanError(
            f"{model} has no {dimensions} dimensions.",
            hint=f"Use 768, 1536 or {MAX_DIMENSIONS}.",
        )


def base_url(settings: Settings) -> str | None:
    """Return where to go instead of Google, None for Google."""
    given = settings.google_base_url
    return str(given.get_secret_value()).rstrip("/") if given else None


def api_key(settings: Settings) -> str:
    """Return the key, or raise with where to put it."""
    secret = settings.gemini_api_key
    if secret is None or not secret.get_secret_value().strip():
        raise PgjikanError(
            "Google's embeddings need an API key.",
            hint="Set GEMINI_API_KEY (or PGJIKAN_GEMINI_API_KEY, GOOGLE_API_KEY).",
        )
    return secret.get_secret_value().strip()


def task_type(model: str, purpose: Purpose) -> str | None:
    """Return the request's task type, None for a model that reads it from the text."""
    return _TASK_TYPES[purpose] if model.startswith(_TASK_TYPE_MODELS) else None


def prompts(
    model: str,
    texts: Sequence[str],
    purpose: Purpose,
    titles: Sequence[str | None] | None,
) -> list[str]:
    """Return the texts as the model wants them.

    A model with task types gets them bare: both packages take one title for a whole batch, and
    our documents begin with their titles anyway.
    """
    if task_type(model, purpose) is not None:
        return list(texts)
    if purpose == "query":
        return [f"task: search result | query: {text}" for text in texts]
    named = titles if titles is not None else [None] * len(texts)
    return [
        f"title: {title or 'none'} | text: {text}" for title, text in zip(named, texts, strict=True)
    ]


def refusal(texts: Sequence[str]) -> Embedded | None:
    """Return the outcome for texts that Google is known to refuse, before anything is sent."""
    if len(texts) > BATCH:
        raise ValueError(f"{len(texts)} texts in one request; at most {BATCH}")
    for position, text in enumerate(texts):
        if not text.strip():
            return Embedded("rejected", message=f"text {position} is empty")
    return None


def read_failure(status: int, body: Any, headers: Mapping[str, str], *, key: str) -> Embedded:
    """Name the outcome of an answer that is not 200, from Google's error object if it is one."""
    error = body.get("error", body) if isinstance(body, Mapping) else {}
    if not isinstance(error, Mapping):
        error = {}
    found = error.get("details")
    details = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    message = f"{status} {error.get('status') or ''} {error.get('message') or ''}"
    return Embedded(
        _outcome(status, str(error.get("status")), details),
        retry_after_seconds=_retry_after(details, headers),
        message=safe(message, key),
    )


def safe(message: str, key: str) -> str:
    """Return one short printable line without the key, whoever wrote it into the message."""
    told = message[: 4 * _LONGEST_MESSAGE].replace(key, "[key]")
    printable = "".join(letter if letter.isprintable() else " " for letter in told)
    return " ".join(printable.split())[:_LONGEST_MESSAGE]


def _outcome(status: int, name: str, details: Sequence[Mapping[str, Any]]) -> Outcome:
    if status == 429:
        quotas = [
            str(violation.get("quotaId", ""))
            for detail in details
            if isinstance(violations := detail.get("violations"), list)
            for violation in violations
            if isinstance(violation, Mapping)
        ]
        # A day's quota comes with a retryDelay of seconds, which is no use: the day decides.
        return "quota_exhausted" if any("PerDay" in quota for quota in quotas) else "rate_limited"
    if status == 404 and name == "NOT_FOUND":
        return "model_gone"
    if status in (401, 403, 404):
        return "unauthorised"
    if status in (400, 413, 422):
        reasons = {str(detail.get("reason")) for detail in details}
        ours = name == "FAILED_PRECONDITION" or reasons & _OUR_FAULT_REASONS
        return "unauthorised" if ours else "rejected"
    return "provider_error"


def _retry_after(details: Sequence[Mapping[str, Any]], headers: Mapping[str, str]) -> float | None:
    told = [str(detail.get("retryDelay", "")).removesuffix("s") for detail in details]
    told += [value for name, value in headers.items() if name.lower() == "retry-after"]
    for seconds in told:
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", seconds):  # more is no time that anyone means
            return float(seconds)
    return None
