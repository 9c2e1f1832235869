"""Whatever is typed, there are rows or none: never an error, never a runaway statement."""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.search.conftest import Search

EXAMPLES = int(os.environ.get("PGJIKAN_FUZZ", "200"))
HOSTILE = [
    "",
    " ",
    "%",
    "_",
    "\\",
    "%%%___\\\\\\",
    "'",
    "''; DROP TABLE jikan.anime; --",
    '"',
    "$$",
    "E'\\x00'",
    "\\u0000",
    "(((((((",
    "[a-z]+*?{1,1000}",
    "^.*$|",
    "naruto\n\r\t\v",
    "\u202enaruto",
    "ـــــ",
    "שלום",
    "🎉" * 100,
    "e\u0301" * 300,
    "Z\u0351\u036b\u0343\u036a\u0302" * 50,
    "\ufeff\u200b",
    "\ud7ff\ue000\U0010ffff",
    "a " * 5000,
    "ab " * 5000,
    "の" * 5000,
    "x" * 1_000_000,
    "naruto " * 150_000,
    "1" * 5000,
    "season 99999999999999999999",
    "naruto season 2147483648",
    "naruto 第9999期",
    "ii iii iv vi ix",
    "2 2 2 2 2 2 2 2",
    "the of to wa ga ni wo",
    "a a a a a a a a a",
    "-1",
    "NULL",
    "naruto 0000",
    "naruto 2099",
]
# Letters and words that reach every stage, among anything else Unicode has but NUL and surrogates.
TEXT = st.one_of(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60),
    st.text("abcehiknorstuy 2'%_\\-", max_size=24),
    st.lists(
        st.sampled_from(
            ["naruto", "nartuo", "season", "2", "ii", "the", "の", "超電磁砲", "mob", "psycho",
             "100", "s2", "part", "1999", "steins", "gaet", "x", "%", "ナルト", "&", "@"]
        ),
        max_size=12,
    ).map(" ".join),
)  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: repr(query[:20]))
def test_hostile_strings(find: Search, query: str) -> None:
    for hit in find(query):
        assert 0 <= hit[3] <= 1


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    query=TEXT,
    max_rows=st.integers(1, 100),
    filters=st.fixed_dictionaries(
        {},
        optional={
            "types": st.lists(st.sampled_from(["TV", "Movie", "", "'"]), max_size=3),
            "genres": st.lists(st.text("aA'{},\"\\ ", max_size=5), max_size=3),
            "year_from": st.integers(-(2**31), 2**31 - 1),
            "year_to": st.integers(-(2**31), 2**31 - 1),
            "min_score": st.floats(0, 10),
            "nsfw": st.booleans(),
        },
    ),
)
def test_random_strings(
    shared_catalogue: psycopg.Connection[Any],
    find: Search,
    query: str,
    max_rows: int,
    filters: dict[str, Any],
) -> None:
    shared_catalogue.execute("SET statement_timeout = '5s'")
    hits = find(query, max_rows, **filters)
    assert len(hits) <= max_rows
    ranks = [hit[3] for hit in hits]
    assert ranks == sorted(ranks, reverse=True)
    assert all(0 <= rank <= 1 for rank in ranks)
    assert len({hit[4] for hit in hits}) <= 1
    assert len({hit[0] for hit in hits}) == len(hits)
