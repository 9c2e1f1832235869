"""The right anime first, and how it matched."""

from __future__ import annotations

import pytest

from tests.search.conftest import Search


@pytest.mark.parametrize(
    ("query", "mal_id", "match"),
    [
        # whole titles, however spaced and marked
        ("naruto", 20, "exact"),
        ("NARUTO SHIPPUDEN", 1735, "exact"),
        ("onepiece", 21, "exact"),
        ("steinsgate", 9253, "exact"),
        ("spyxfamily", 50265, "exact"),
        ("carole and tuesday", 37435, "exact"),
        ("hunter×hunter", 11061, "exact"),
        ("k", 27525, "exact"),
        ("86", 41457, "exact"),
        ("k on", 5680, "exact"),
        # long vowels
        ("narutoshippuuden", 1735, "exact"),
        # a synonym that only shortens the title is a beginning, not a title
        ("steins", 9253, "prefix"),
        # a synonym of a little known anime proves little
        ("demon slayer", 38000, "prefix"),
        # "(TV)" only tells namesakes apart: the one more people mean is first
        ("arslan senki", 28249, "exact"),
        ("arslan senki tv", 28249, "exact"),
        # an article more or less
        ("the naruto", 20, "exact"),
        ("idolmaster", 10278, "exact"),
        # unfinished
        ("inuy", 249, "prefix"),
        ("re ze", 31240, "prefix"),
        ("n", 20, "prefix"),
        # some words, any order
        ("elite classroom", 35507, "prefix"),
        ("jobless reincarn", 39535, "prefix"),
        ("steinsgate poriomania", 10863, "prefix"),
        # initials and nicknames
        ("cote", 35507, "exact"),
        ("asscla", 24833, "fuzzy"),
        ("sao 3", 36474, "exact"),
        ("hxh phantom", 13271, "prefix"),  # words of different titles
        # seasons
        ("mob psycho 100 season 2", 37510, "exact"),
        ("mob psycho 3", 50172, "prefix"),
        ("mob psycho iii", 50172, "prefix"),
        ("sword art online season 3", 36474, "exact"),
        ("sword art online", 11757, "exact"),
        ("mushoku tensei", 39535, "prefix"),
        ("mushoku tensei season 2", 51179, "prefix"),
        ("mushoku tensei part 2", 45576, "prefix"),
        ("k-on 2", 7791, "exact"),
        # native script
        ("ナルト", 20, "exact"),
        ("超電磁砲", 6213, "prefix"),
        ("科学の超電磁砲", 6213, "prefix"),
        ("シュタインズゲート", 9253, "exact"),
        ("けいおん", 5680, "exact"),
        # misspelt
        ("nartuo", 20, "fuzzy"),
        ("narto", 20, "fuzzy"),
        ("onepeice", 21, "fuzzy"),
        ("sord art onlien", 11757, "fuzzy"),
        ("mob pshyco 100", 32182, "fuzzy"),
        ("mob pshyco 100 season 2", 37510, "fuzzy"),
        ("apothecary diarys", 54492, "fuzzy"),
        ("assasination clasroom", 24833, "fuzzy"),
        ("the mob pshyco 100", 32182, "fuzzy"),
        # a year that no title has
        ("naruto 2002", 20, "exact"),
        ("hxh 1999", 136, "exact"),
    ],
)
def test_first_is_what_a_fan_means(find: Search, query: str, mal_id: int, match: str) -> None:
    first = find(query)[0]
    assert (first[0], first[2]) == (mal_id, match)
    assert first[4], "a good answer needs no upstream"


def test_popularity_never_beats_a_better_match(find: Search) -> None:
    """An exact title comes before more popular ones that merely begin so."""
    hits = find("k")
    assert hits[0][0] == 27525
    assert {5680, 7791} <= {hit[0] for hit in hits[1:]}


@pytest.mark.parametrize(
    "query", ["better call saul", "qwertyuiop", "game of thrones", "zzzz", "squid game", "!!!"]
)
def test_what_is_not_there_is_a_miss(find: Search, query: str) -> None:
    assert not any(hit[4] for hit in find(query))


def test_a_single_word_that_only_looks_alike_is_a_miss(find: Search) -> None:
    """It may be a film, "Inception", as well as a title with two slips."""
    hits = find("inception")
    assert hits[0][:3] == (37823, "CONCEPTION", "fuzzy")
    assert not any(hit[4] for hit in hits)


def test_a_season_that_is_not_there_shows_the_others_but_is_a_miss(find: Search) -> None:
    hits = find("mob psycho season 7")
    assert {hit[0] for hit in hits} == {32182, 37510, 50172}
    assert not any(hit[4] for hit in hits)


def test_ranks_fall_from_sure_to_vague(find: Search) -> None:
    whole, begun, words, misspelt = (
        find(query)[0][3] for query in ("naruto", "narut", "reincarnation", "nartuo")
    )
    assert 1 >= whole > begun > words > misspelt > 0


def test_rows_are_distinct_and_at_most_max_rows(find: Search) -> None:
    hits = find("s", 3)
    assert len(hits) == len({hit[0] for hit in hits}) == 3
