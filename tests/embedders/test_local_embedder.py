"""The bundled model itself: no key, no network."""

from __future__ import annotations

import math
import threading

import pytest
from gemini_server import settings

from pgjikan.embedders import Embedded, Embedder, load_embedder
from pgjikan.embedders.local import DIMENSIONS, MODEL

#: What the same sums may differ by in another order: on another processor, in another batch.
NEAR = 1e-5
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
        assert alone == pytest.approx(vector, abs=NEAR)


def test_the_same_batch_has_the_same_vectors(local: Embedder) -> None:
    first = local.embed(TEXTS, purpose="document").vectors

    again = local.embed(TEXTS, purpose="document").vectors
    for one, other in zip(again, first, strict=True):
        assert one == pytest.approx(other, abs=NEAR)


def test_near_meanings_are_nearer_across_languages(local: Embedder) -> None:
    cat, neko, tax = local.embed(
        ["the cat sleeps", "猫が寝ている", "income tax law"], purpose="query"
    ).vectors

    assert dot(cat, neko) > dot(cat, tax) + 0.2


def test_a_text_is_read_to_its_end(local: Embedder) -> None:
    whole, begun = local.embed(["naruto " * 200, "naruto " * 100], purpose="document").vectors

    assert whole != pytest.approx(begun, abs=NEAR)


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
    for answer in answers[1:]:
        for one, other in zip(answer.vectors, answers[0].vectors, strict=True):
            assert one == pytest.approx(other, abs=NEAR)


def test_nothing_for_nothing(local: Embedder) -> None:
    assert local.embed([], purpose="document").vectors == []


def test_it_uses_the_threads_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package starts threads of its own, in C: what it is told is what can be seen."""
    from pgjikan.embedders import local

    told: list[int] = []
    monkeypatch.setattr(local, "USE", lambda threads: told.append(threads))
    for threads in (1, 3):
        load_embedder("local", MODEL, DIMENSIONS, settings(embedding_threads=threads))
    assert told == [1, 3]
