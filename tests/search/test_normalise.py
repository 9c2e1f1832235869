"""What counts as the same title, and what is its season."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

SAME = [
    ("Re:Zero", "re zero"),
    ("K-ON!!", "k on"),
    ("SPY×FAMILY", "spy x family"),
    ("【推しの子】", "推しの子"),
    ("Yu☆Gi☆Oh!", "yu gi oh"),
    ("THE IDOLM@STER", "the idolmaster"),
    ("ダンまちⅣ", "ダンまち iv"),
    ("ﾀﾞﾝﾏﾁ", "ダンマチ"),
    ("Angel's Egg", "angels egg"),
    ("Angel’s Egg", "angels egg"),
    ("Pokémon ōū", "pokemon ou"),
    (".hack//SIGN", "hack sign"),
    ("ソードアート・オンライン", "ソードアート オンライン"),
    ("Carole & Tuesday", "carole and tuesday"),
    ("ＦＵＬＬ　ＷＩＤＴＨ", "full width"),
    ("東京喰種√A", "東京喰種 a"),
    ("กำลัง ภาค 2", "กําลัง ภาค 2"),
    ("Жизнь", "жизнь"),
    ("ガラスの仮面", "ガラスの仮面"),
    ("%_\\'\"", ""),
    ("🎉🎉", ""),
    ("", ""),
]


@pytest.mark.parametrize(("title", "words"), SAME)
def test_marks_case_width_and_accents_do_not_count(
    shared_catalogue: psycopg.Connection[Any], title: str, words: str
) -> None:
    assert shared_catalogue.execute(
        "SELECT jikan_sync.normalise_title(%s)", [title]
    ).fetchone() == (words,)


def test_normalising_twice_is_normalising_once(shared_catalogue: psycopg.Connection[Any]) -> None:
    for title, words in SAME:
        again = shared_catalogue.execute(
            "SELECT jikan_sync.normalise_title(%s)", [words]
        ).fetchone()
        assert again == (words,), title


@pytest.mark.parametrize(
    ("words", "name", "number"),
    [
        ("mob psycho 100 ii", "mob psycho 100", 2),
        ("mob psycho 3", "mob psycho", 3),
        ("mob psycho 100", "mob psycho 100", None),
        ("haikyuu 2nd season", "haikyuu", 2),
        ("haikyuu second season", "haikyuu", 2),
        ("haikyuu season 2", "haikyuu", 2),
        ("haikyuu s2", "haikyuu", 2),
        ("haikyuu season ii", "haikyuu", 2),
        ("haikyuu season two", "haikyuu", 2),
        ("haikyuu2", "haikyuu", 2),
        ("attack on titan season 3 part 2", "attack on titan part 2", 3),
        ("spy x family part 2", "spy x family", -2),
        ("mushoku tensei ii isekai", "mushoku tensei isekai", 2),
        ("food wars the fifth plate", "food wars", 5),
        ("転生したらスライム 第3期", "転生したらスライム", 3),
        ("进击的巨人 第二季", "进击的巨人", 2),
        ("흑집사 2기", "흑집사", 2),
        ("86", "86", None),
        ("86 eighty six", "86 eighty six", None),
        ("86 2", "86", 2),
        ("ranma 1 2", "ranma 1 2", None),
        ("area 88", "area 88", None),
        ("2nd season", "2nd season", None),
        ("x", "x", None),
        ("", "", None),
    ],
)
def test_a_season_is_a_number_however_it_is_spelt(
    shared_catalogue: psycopg.Connection[Any], words: str, name: str, number: int | None
) -> None:
    found = shared_catalogue.execute(
        "SELECT * FROM jikan_sync.split_season(%s)", [words]
    ).fetchone()
    assert found == (name, number)


def test_the_same_question_has_one_key(shared_catalogue: psycopg.Connection[Any]) -> None:
    keys = {
        shared_catalogue.execute("SELECT jikan_sync.normalise_query(%s)", [query]).fetchone()
        for query in ("Steins;Gate", "steins gate", "  STEINS-GATE!  ", "Ｓｔｅｉｎｓ　Ｇａｔｅ")
    }
    assert keys == {("steins gate",)}
    (key,) = shared_catalogue.execute(
        "SELECT jikan_sync.normalise_query(repeat('あ x', 1000000))"
    ).fetchone() or ("",)
    assert len(key) <= 200
