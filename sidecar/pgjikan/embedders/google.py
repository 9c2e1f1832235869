"""Google's embeddings by google-genai, its current package."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from json import JSONDecodeError

from google import genai
from google.genai import errors, types
from pydantic import ValidationError

from pgjikan.embedders import Embedded, Purpose, gemini
from pgjikan.embedders.vectors import UnusableVectors, unit_vectors


def _transport_errors() -> tuple[type[Exception], ...]:
    """google-genai is built on httpx or, from 3.x, on its fork httpx2; either may be missing."""
    found: list[type[Exception]] = [OSError]
    for name in ("httpx", "httpx2"):
        try:
            found.append(importlib.import_module(name).HTTPError)
        except ModuleNotFoundError:
            continue
    return tuple(found)


_TRANSPORT_ERRORS = _transport_errors()
# What the package raises of a 200 with another body; it checks the shape only in part.
_MALFORMED = (
    errors.UnknownApiResponseError,
    JSONDecodeError,
    ValidationError,
    TypeError,
    AttributeError,
)


class GoogleEmbedder(gemini.GeminiEmbedder):
    """One Gemini embedding model. The package retries nothing unless told to: it is not told."""

    provider = "google"

    def _connect(self, base_url: str | None, timeout_seconds: float) -> None:
        self._client = genai.Client(
            api_key=self._key,
            vertexai=False,  # whatever the environment says
            http_options=types.HttpOptions(
                base_url=base_url, api_version="v1beta", timeout=round(timeout_seconds * 1000)
            ),
        )

    def _attempt(self, prompts: Sequence[str], purpose: Purpose) -> Embedded:
        # One Content a text: gemini-embedding-2 makes a single vector of a list of strings.
        contents: list[types.ContentUnion] = [
            types.Content(parts=[types.Part(text=prompt)]) for prompt in prompts
        ]
        config = types.EmbedContentConfig(
            task_type=gemini.task_type(self.model, purpose),
            output_dimensionality=self.dimensions,
        )
        try:
            answer = self._client.models.embed_content(
                model=self.model, contents=contents, config=config
            )
            vectors = unit_vectors(
                [one.values or [] for one in answer.embeddings or []],
                count=len(prompts),
                dimensions=self.dimensions,
            )
        except errors.APIError as error:
            headers = getattr(error.response, "headers", None) or {}
            return gemini.read_failure(error.code, error.details, headers, key=self._key)
        except _TRANSPORT_ERRORS as error:
            message = gemini.safe(f"{type(error).__name__}: {error}", self._key)
            return Embedded("transport_error", message=message)
        except UnusableVectors as error:
            return Embedded("invalid", message=str(error))
        except _MALFORMED as error:
            message = f"not an answer of this API: {type(error).__name__}: {error}"
            return Embedded("invalid", message=gemini.safe(message, self._key))
        usage = answer.usage_metadata
        return Embedded("ok", vectors=vectors, tokens=usage.prompt_token_count if usage else None)


open_embedder = GoogleEmbedder.open
