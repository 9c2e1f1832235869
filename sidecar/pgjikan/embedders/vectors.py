"""The last gate before a write: one finite, non-zero vector a text, of the right length."""

from __future__ import annotations

import math
from collections.abc import Sequence


class UnusableVectors(ValueError):
    """An answer that does not hold one usable vector for each text."""


def unit_vectors(
    answer: Sequence[Sequence[float]], *, count: int, dimensions: int
) -> list[list[float]]:
    """Return the vectors scaled to length 1, or raise `UnusableVectors`.

    Models return unit vectors at their full size only: what was truncated by the provider is
    shorter than 1 and would lose every comparison by inner product.
    """
    if len(answer) != count:
        raise UnusableVectors(f"{len(answer)} vectors for {count} texts")
    scaled = []
    for position, vector in enumerate(answer):
        if len(vector) != dimensions:
            raise UnusableVectors(
                f"vector {position} has {len(vector)} dimensions instead of {dimensions}"
            )
        try:
            length = math.hypot(*vector)
        except TypeError:  # google-generativeai makes the text 'NaN' of a NaN
            raise UnusableVectors(f"vector {position} is not of numbers") from None
        if not math.isfinite(length):
            raise UnusableVectors(f"vector {position} is not finite")
        if length == 0.0:
            raise UnusableVectors(f"vector {position} is zero")
        scaled.append([value / length for value in vector])
    return scaled
