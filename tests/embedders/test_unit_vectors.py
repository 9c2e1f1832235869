"""The gate in front of every write."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgjikan.embedders.vectors import UnusableVectors, unit_vectors

finite = st.floats(min_value=-1e6, max_value=1e6, width=32)


@given(st.lists(st.lists(finite, min_size=3, max_size=3), min_size=1, max_size=5))
def test_every_vector_gets_length_one_and_keeps_its_direction(answer: list[list[float]]) -> None:
    usable = [one for one in answer if math.hypot(*one) > 1e-30]

    scaled = unit_vectors(usable, count=len(usable), dimensions=3)

    for before, after in zip(usable, scaled, strict=True):
        assert math.hypot(*after) == pytest.approx(1)
        assert [one * math.hypot(*before) for one in after] == pytest.approx(before)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "0 vectors for 1 texts"),
        ([[1.0, 0.0], [0.0, 1.0]], "2 vectors for 1 texts"),
        ([[1.0]], "1 dimensions instead of 2"),
        ([[]], "0 dimensions instead of 2"),
        ([[1.0, 0.0, 0.0]], "3 dimensions instead of 2"),
        ([[math.nan, 1.0]], "not finite"),
        ([[-math.inf, 1.0]], "not finite"),
        ([[0.0, -0.0]], "zero"),
    ],
)
def test_says_why_an_answer_is_unusable(answer: list[list[float]], reason: str) -> None:
    with pytest.raises(UnusableVectors, match=reason):
        unit_vectors(answer, count=1, dimensions=2)
