"""The bundled model itself: no key, no network."""

from __future__ import annotations

import math
import threading

import pytest
from gemini_server import settings

from pgjikan.embedders import Embedded, Embedder, load_embedder
from pgjikan.embedders.local import DIMENSIONS, LONGEST, MODEL

TEXTS = [
    "Mushishi",
    "蟲師",
    "Naruto. Action, Adventure, Fantasy",
    "a long story about bounty hunters in space " * 40,
    "",
    "🙂",
]


@pytest.fixture(scope="module")
def local() -> Embedder:
    return load_embedder("local", MODEL, DIMENSIONS, settings())


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_returns_a_unit_vector_for_any_text(local: Embedder) -> None:
    embedded = local.embed(TEXTS, purpose="document")

    assert embedded.outcome == "ok"
    assert [len(one) for one in embedded.vectors] == [512] * len(TEXTS)
    assert [math.hypot(*one) for one in embedded.vectors] == pytest.approx([1] * len(TEXTS))
    assert (local.provider, local.model, local.dimensions) == ("local", MODEL, 512)
    assert embedded.tokens is None


def test_a_text_has_one_vector_alone_and_in_a_batch(local: Embedder) -> None:
    batch = local.embed(TEXTS, purpose="document").vectors

    for text, vector in zip(TEXTS, batch, strict=True):
        (alone,) = local.embed([text], purpose="query").vectors
        assert alone == pytest.approx(vector, abs=1e-5)


def test_the_same_batch_has_the_same_vectors(local: Embedder) -> None:
    first = local.embed(TEXTS, purpose="document").vectors

    assert local.embed(TEXTS, purpose="document").vectors == first


def test_near_meanings_are_nearer_across_languages(local: Embedder) -> None:
    cat, neko, tax = local.embed(
        ["the cat sleeps", "猫が寝ている", "income tax law"], purpose="query"
    ).vectors

    assert dot(cat, neko) > dot(cat, tax) + 0.2


def test_a_text_without_end_is_cut(local: Embedder) -> None:
    endless = "naruto " * LONGEST
    whole, cut = local.embed([endless, endless[:LONGEST]], purpose="document").vectors

    assert whole == cut


def test_threads_may_share_it() -> None:
    fresh = load_embedder("local", MODEL, DIMENSIONS, settings())
    answers: list[Embedded] = []
    threads = [
        threading.Thread(target=lambda: answers.append(fresh.embed(TEXTS, purpose="document")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 4
    assert all(one.vectors == answers[0].vectors for one in answers)


def test_nothing_for_nothing(local: Embedder) -> None:
    assert local.embed([], purpose="document").vectors == []
