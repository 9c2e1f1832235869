"""Google's embeddings by google-generativeai, out of support at Google, for who still has it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, cast

with warnings.catch_warnings():
    # Both are about this package's old age, which its users chose to live with: end of support,
    # and google-api-core's note on the Python versions it will drop.
    warnings.filterwarnings("ignore", r"\s*All support for the `google", FutureWarning)
    warnings.filterwarnings("ignore", "You are using a Python version", FutureWarning)
    from google.ai.generativelanguage import GenerativeServiceClient
    from google.api_core.exceptions import GoogleAPICallError
    from google.generativeai.embedding import embed_content
    from google.generativeai.types import RequestOptions

import requests
from google.auth import api_key as auth_api_key
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.protobuf.json_format import ParseError

from pgjikan.embedders import Embedded, Purpose, gemini
from pgjikan.embedders.vectors import UnusableVectors, unit_vectors

_DEFAULT_ENDPOINT = "https://generativelanguage.googleapis.com"


class _KeyCredentials(auth_api_key.Credentials):
    """A key in a header that says it cannot be refreshed: else each 401 is sent three times."""

    def refresh(self, request: Any) -> None:
        raise RefreshError("401: the API key was refused")  # type: ignore[no-untyped-call]


class GoogleLegacyEmbedder(gemini.GeminiEmbedder):
    """One Gemini embedding model over REST, the package's own retries turned off."""

    provider = "google-legacy"

    def _connect(self, base_url: str | None, timeout_seconds: float) -> None:
        # Without retry=None, google-api-core sends a 503 again for a minute.
        self._request_options = RequestOptions(retry=None, timeout=timeout_seconds)
        # A client of our own: the package's configure() would be one for the whole process.
        self._client = GenerativeServiceClient(
            credentials=_KeyCredentials(self._key),  # type: ignore[no-untyped-call]
            transport="rest",
            client_options={"api_endpoint": base_url or _DEFAULT_ENDPOINT},
        )

    def _attempt(self, prompts: Sequence[str], purpose: Purpose) -> Embedded:
        try:
            answer = embed_content(
                model=f"models/{self.model.removeprefix('models/')}",
                content=prompts,
                task_type=gemini.task_type(self.model, purpose),
                output_dimensionality=self.dimensions,
                client=self._client,
                request_options=self._request_options,
            )
            found = cast("list[list[float]]", answer["embedding"])
            vectors = unit_vectors(found, count=len(prompts), dimensions=self.dimensions)
        except GoogleAPICallError as error:
            headers = getattr(error.response, "headers", None) or {}
            return gemini.read_failure(int(error.code or 0), _body(error), headers, key=self._key)
        except GoogleAuthError as error:
            return Embedded("unauthorised", message=gemini.safe(str(error), self._key))
        except (requests.RequestException, OSError) as error:
            message = gemini.safe(f"{type(error).__name__}: {error}", self._key)
            return Embedded("transport_error", message=message)
        except UnusableVectors as error:
            return Embedded("invalid", message=str(error))
        except ParseError as error:
            message = f"not an answer of this API: {error}"
            return Embedded("invalid", message=gemini.safe(message, self._key))
        return Embedded("ok", vectors=vectors)


def _body(error: Any) -> Any:
    try:
        return error.response.json()
    except ValueError:
        return {"message": error.response.text}


open_embedder = GoogleLegacyEmbedder.open
