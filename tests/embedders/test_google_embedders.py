"""Both Google packages against a server that speaks their wire."""

from __future__ import annotations

import logging
import math

import pytest
from gemini_server import FAILURES, KEY, NO_ANSWERS, GeminiServer, settings, vector_of

from pgjikan.embedders import Embedded, Embedder, Outcome, Purpose, load_embedder

DIMENSIONS = 8
WITH_TASK_TYPES = "gemini-embedding-001"
WITH_PREFIXES = "gemini-embedding-2"
TASK_NUMBERS = {1: "RETRIEVAL_QUERY", 2: "RETRIEVAL_DOCUMENT"}  # google-generativeai sends enums


@pytest.fixture(params=["google", "google-legacy"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def open_embedder(
    provider: str,
    gemini: GeminiServer,
    model: str = WITH_TASK_TYPES,
    *,
    timeout: float = 5.0,
    prefix: str = "",
) -> Embedder:
    where = settings(google_base_url=gemini.url + prefix, embedding_timeout_seconds=timeout)
    return load_embedder(provider, model, DIMENSIONS, where)


def embed(embedder: Embedder, *texts: str, purpose: Purpose = "document") -> Embedded:
    return embedder.embed(list(texts), purpose=purpose)


def test_returns_unit_vectors_in_the_order_of_the_texts(
    provider: str, gemini: GeminiServer
) -> None:
    embedder = open_embedder(provider, gemini)

    embedded = embed(embedder, "Mushishi", "蟲師", "Monster")

    assert (embedded.outcome, embedded.message) == ("ok", "")
    for text, vector in zip(["Mushishi", "蟲師", "Monster"], embedded.vectors, strict=True):
        sent = vector_of(text, DIMENSIONS)
        assert math.hypot(*sent) != pytest.approx(1, abs=0.01)
        assert vector == pytest.approx([one / math.hypot(*sent) for one in sent], abs=1e-6)
    assert (embedder.provider, embedder.model) == (provider, WITH_TASK_TYPES)
    assert embedder.dimensions == DIMENSIONS


def test_puts_each_text_in_a_request_of_its_own(provider: str, gemini: GeminiServer) -> None:
    for model in (WITH_TASK_TYPES, WITH_PREFIXES):
        embed(open_embedder(provider, gemini, model), "a", "b", "c")

        received = gemini.received[-1]
        assert (received.model, received.method) == (model, "batchEmbedContents")
        assert len(received.requests) == 3
        for request, text in zip(received.requests, "abc", strict=True):
            assert request["model"] == f"models/{model}"
            assert request["outputDimensionality"] == DIMENSIONS
            assert len(request["content"]["parts"]) == 1
            assert request["content"]["parts"][0]["text"].endswith(text)


@pytest.mark.parametrize(
    ("purpose", "expected"), [("document", "RETRIEVAL_DOCUMENT"), ("query", "RETRIEVAL_QUERY")]
)
def test_says_the_purpose_by_task_type(
    provider: str, gemini: GeminiServer, purpose: Purpose, expected: str
) -> None:
    embed(open_embedder(provider, gemini), "Mushishi", purpose=purpose)

    (request,) = gemini.received[0].requests
    assert TASK_NUMBERS.get(request["taskType"], request["taskType"]) == expected
    assert request["content"]["parts"] == [{"text": "Mushishi"}]


def test_says_the_purpose_by_prefix(provider: str, gemini: GeminiServer) -> None:
    embedder = open_embedder(provider, gemini, WITH_PREFIXES)

    embedder.embed(["one", "two"], purpose="document", titles=["Mushishi", None])
    embedder.embed(["bugs"], purpose="query")

    sent = [
        request["content"]["parts"][0]["text"]
        for received in gemini.received
        for request in received.requests
    ]
    assert sent == [
        "title: Mushishi | text: one",
        "title: none | text: two",
        "task: search result | query: bugs",
    ]
    assert all("taskType" not in one for got in gemini.received for one in got.requests)


def test_sends_the_key_in_a_header_only(provider: str, gemini: GeminiServer) -> None:
    embed(open_embedder(provider, gemini), "Mushishi")

    (received,) = gemini.received
    assert received.headers["x-goog-api-key"] == KEY
    assert KEY not in received.path
    assert KEY not in str(received.body)


def test_reaches_the_api_behind_a_prefix(provider: str, gemini: GeminiServer) -> None:
    embedded = embed(open_embedder(provider, gemini, prefix="/proxy/gemini"), "Mushishi")

    assert embedded.outcome == "ok"
    assert gemini.received[0].prefix == "/proxy/gemini"


FAILED: dict[str, tuple[Outcome, float | None]] = {
    "minute quota": ("rate_limited", 58.0),
    "day quota": ("quota_exhausted", 45.407126),
    "bare 429": ("rate_limited", None),
    "429 with a header": ("rate_limited", 7.0),
    "bad request": ("rejected", None),
    "bad key": ("unauthorised", None),
    "country": ("unauthorised", None),
    "401": ("unauthorised", None),
    "403": ("unauthorised", None),
    "404": ("model_gone", None),
    "404 of a proxy": ("unauthorised", None),
    "500": ("provider_error", None),
    "503": ("provider_error", 3.0),
    "502 of a proxy": ("provider_error", None),
}


def test_every_failure_of_the_stand_in_is_expected() -> None:
    assert FAILED.keys() == FAILURES.keys()


@pytest.mark.parametrize("fault", FAILURES)
def test_names_the_outcome_after_one_request(
    provider: str, gemini: GeminiServer, fault: str
) -> None:
    gemini.fault = fault

    embedded = embed(open_embedder(provider, gemini), "Mushishi", "Monster")

    assert (embedded.outcome, embedded.retry_after_seconds) == FAILED[fault]
    assert embedded.vectors == []
    assert str(FAILURES[fault][0]) in embedded.message
    assert len(gemini.received) == 1


@pytest.mark.parametrize(
    "fault",
    [
        "short batch",
        "one vector for all",
        "wrong dimensions",
        "NaN",
        "quoted NaN",
        "infinity",
        "zero vector",
        "empty vector",
        "words for numbers",
        *NO_ANSWERS,
    ],
)
def test_lets_no_unusable_answer_through(provider: str, gemini: GeminiServer, fault: str) -> None:
    gemini.fault = fault

    embedded = embed(open_embedder(provider, gemini), "Mushishi", "Monster")

    assert embedded.outcome == "invalid"
    assert embedded.vectors == []
    assert embedded.message
    assert len(gemini.received) == 1


@pytest.mark.parametrize("fault", ["hang", "reset", "cut"])
def test_names_a_broken_connection(provider: str, gemini: GeminiServer, fault: str) -> None:
    gemini.fault = fault

    embedded = embed(open_embedder(provider, gemini, timeout=0.2), "Mushishi")

    assert embedded.outcome == "transport_error"
    assert embedded.message
    assert len(gemini.received) == 1


def test_works_again_after_a_failure(provider: str, gemini: GeminiServer) -> None:
    embedder = open_embedder(provider, gemini)
    gemini.fault = "reset"
    embed(embedder, "Mushishi")
    gemini.fault = None

    assert embed(embedder, "Mushishi").outcome == "ok"


def test_names_a_refused_connection(provider: str, gemini: GeminiServer) -> None:
    embedder = open_embedder(provider, gemini)
    gemini.close()

    assert embed(embedder, "Mushishi").outcome == "transport_error"


def test_tells_nobody_the_key(
    provider: str, gemini: GeminiServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gemini.fault = "bad key"
    gemini.echo_key = True
    embedder = open_embedder(provider, gemini)

    embedded = embed(embedder, "Mushishi")

    assert "API key [key] not valid" in embedded.message
    assert KEY not in repr(embedded)
    assert KEY not in repr(embedder)
    assert KEY not in caplog.text


def test_sends_nothing_for_an_empty_text(provider: str, gemini: GeminiServer) -> None:
    embedded = embed(open_embedder(provider, gemini), "Mushishi", " \n")

    assert (embedded.outcome, embedded.message) == ("rejected", "text 1 is empty")
    assert gemini.received == []


def test_sends_at_most_a_hundred_texts(provider: str, gemini: GeminiServer) -> None:
    embedder = open_embedder(provider, gemini)

    assert len(embed(embedder, *map(str, range(100))).vectors) == 100
    with pytest.raises(ValueError, match="101 texts"):
        embed(embedder, *map(str, range(101)))
    assert len(gemini.received) == 1


def test_counts_tokens_where_the_package_tells_them(gemini: GeminiServer) -> None:
    assert embed(open_embedder("google", gemini), "a", "b").tokens == 10
    assert embed(open_embedder("google-legacy", gemini), "a", "b").tokens is None


def test_stand_in_speaks_embed_content(gemini: GeminiServer) -> None:
    # Through our module, which knows what the package warns of on its first import.
    from pgjikan.embedders.google_legacy import GoogleLegacyEmbedder, embed_content

    embedder = GoogleLegacyEmbedder(WITH_TASK_TYPES, DIMENSIONS, key=KEY, base_url=gemini.url)
    answer = embed_content(
        model="models/m", content="Mushishi", output_dimensionality=4, client=embedder._client
    )

    assert answer["embedding"] == pytest.approx(vector_of("Mushishi", 4), abs=1e-6)
    assert gemini.received[0].method == "embedContent"
