"""One stand-in for Google's API a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gemini_server import GeminiServer


@pytest.fixture
def gemini() -> Iterator[GeminiServer]:
    server = GeminiServer()
    yield server
    server.close()
