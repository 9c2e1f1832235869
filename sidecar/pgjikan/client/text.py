"""JSON text as PostgreSQL's jsonb takes it."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 64  # recorded documents reach 7; PostgreSQL's parser recurses

_REFUSED_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE = re.compile(
    r"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?P<refused>u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))|.)",
    re.DOTALL,
)


def storable(text: str) -> str:
    r"""JSON text with U+FFFD where jsonb would refuse \u0000 or half a surrogate pair.

    Replaced, not rejected: one bad character in one synopsis must not cost the page its other 24
    titles. Bytes that are no UTF-8 were replaced alike when they were decoded.
    """
    if not _REFUSED_ESCAPE.search(text):
        return text
    return _ESCAPE.sub(lambda found: r"\ufffd" if found["refused"] else found[0], text)


def parsed(text: str) -> Any:
    """The document, for looking at only; raises ValueError for what jsonb would not take."""
    document = json.loads(
        text, parse_constant=_refuse_number, parse_float=_number, parse_int=_number
    )
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return document


def _number(text: str) -> int | float:
    """Within double precision's range, which is well within that of jsonb's numeric."""
    digits, _, exponent = text.lower().partition("e")
    if len(text) > 40 or abs(int(exponent or 0)) > 300:
        return _refuse_number(text)
    return int(text) if digits == text and "." not in text else float(text)


def _refuse_number(text: str) -> float:
    raise ValueError(f"number out of range: {text[:20]}")
