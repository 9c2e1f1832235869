"""Upstreams may speak HTML; people, searches and models read text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg

from tests.store.documents import anime, entry, full
from tests.store.test_store_anime import store, value

Connection = psycopg.Connection[Any]

TEXTS = {
    "K&#039;s &amp; Q&#x2019;s": "K's & Q\u2019s",
    "Pok&eacute;mon&hellip; &Eacute;&egrave;": "Pok\u00e9mon\u2026 \u00c9\u00e8",
    "&lt;b&gt; &quot;x&quot; &apos;&nbsp;&yuml;&hearts;": '<b> "x" \'\u00a0\u00ff\u2665',
    "&amp;#039; &amp;amp;": "&#039; &amp;",  # once
    "line\n&amp;\tline": "line\n&\tline",
    "&#128512;&#x1F600;": "\U0001f600" * 2,
    # No entities, or none that stands for a character.
    "R&B; AT&T Q&A &; & &&amp": "R&B; AT&T Q&A &; & &&amp",
    "&#0;&#55296;&#xDFFF;&#1114112;&#9999999;&#27;&#150;": (
        "&#0;&#55296;&#xDFFF;&#1114112;&#9999999;&#27;&#150;"
    ),
    "&unknown; &#x; &#;": "&unknown; &#x; &#;",
    "": "",
    "plain": "plain",
}


def test_entities_are_decoded_once_and_nothing_else_is(connect: Callable[..., Connection]) -> None:
    reader = connect(role="anime_reader")
    for said, meant in TEXTS.items():
        assert value(reader, "SELECT anime.plain_text(%s)", said) == meant
    assert value(reader, "SELECT anime.plain_text(NULL)") is None


def test_people_and_searches_read_text_and_the_mirror_keeps_what_was_sent(
    connection: Connection, connect: Callable[..., Connection]
) -> None:
    said = {
        "title": "Gambling D&#039;Or &amp; Co",
        "title_english": "Rock &amp; Roll",
        "title_japanese": "ロック&hearts;",
        "title_synonyms": ["Plain", "Chance&#33;"],
        "titles": [
            {"type": "Default", "title": "Gambling D&#039;Or &amp; Co"},
            {"type": "English", "title": "Rock &amp; Roll"},
        ],
        "synopsis": "Panty &amp; a friend.",
        "background": "&quot;So&quot;",
    }
    studios, genres = [entry(1, "A&amp;B Studio")], [entry(2, "Slice &amp; Dice")]
    store(connection, [anime(1, studios=studios, genres=genres, **said)])
    reader = connect(role="anime_reader")
    row = reader.execute(
        "SELECT title, title_english, title_japanese, title_synonyms, synopsis, background, "
        "studios, genres[1] FROM anime.catalog"
    ).fetchone()
    assert row == (
        "Gambling D'Or & Co",
        "Rock & Roll",
        "ロック\u2665",
        ["Plain", "Chance!"],
        "Panty & a friend.",
        '"So"',
        ["A&B Studio"],
        "slice & dice",
    )
    for query in ("gambling dor and co", "Gambling D'Or & Co", "rock and roll"):
        found = reader.execute(
            "SELECT title, matched_title, match FROM anime.search(%s)", [query]
        ).fetchall()
        assert [(title, match) for title, _, match in found] == [("Gambling D'Or & Co", "exact")]
        assert "&#" not in found[0][1] and "&amp;" not in found[0][1]
    assert reader.execute("SELECT * FROM anime.search('gambling 039')").fetchall() == []
    text = value(
        connection,
        "SELECT jikan_sync.embedding_text(title, title_english, title_japanese, title_synonyms, "
        "genre_names, studio_names, synopsis) FROM jikan.anime",
    )
    assert text.startswith("Gambling D'Or & Co, Rock & Roll, ") and "&amp;" not in text
    for column, sent in said.items():
        assert value(connection, f"SELECT {column} FROM jikan.anime") == sent, column


def test_what_hangs_on_a_title_reads_so_too(
    connection: Connection, connect: Callable[..., Connection]
) -> None:
    said, meant = "Rock &amp; D&#039;Or", "Rock & D'Or"
    document = full(
        1,
        titles=[{"type": "Default", "title": said}],
        studios=[{**entry(1, said), "type": "anime"}],
        relations=[{"relation": "Sequel", "entry": [entry(2, said)]}],
        theme={"openings": [said], "endings": [said, 5]},
        external=[{"name": said, "url": "https://example.org"}],
    )
    store(connection, [document])
    person = {"mal_id": 9, "name": said}
    parts = {
        "reviews": {"mal_id": 1, "review": said, "tags": [said], "user": {"username": "u"}},
        "characters": {"character": person, "role": "Main"},
        "staff": {"person": person, "positions": [said]},
        "episodes": {"mal_id": 1, "title": said, "title_romanji": said},
        "recommendations": {"entry": {"mal_id": 3, "title": said}, "votes": 1},
    }
    for facet, part in parts.items():
        response = json.dumps({"data": [part], "pagination": {"has_next_page": False}})
        value(connection, "SELECT jikan_sync.store_facet(%s, 1, %s::json)", facet, response)
    reader = connect(role="anime_reader")
    shown = value(reader, "SELECT anime.get(1)")
    assert shown["titles"] == [{"type": "Default", "title": meant}]
    assert [shown[key][0]["name"] for key in ("studios", "relations", "external")] == [meant] * 3
    assert (shown["openings"], shown["endings"]) == ([meant], [meant, "5"])
    assert "&amp;" not in json.dumps(shown)
    for query, row in {
        "review, tags FROM anime.reviews(1)": (meant, [meant]),
        "name FROM anime.characters(1)": (meant,),
        "name, positions FROM anime.staff(1)": (meant, [meant]),
        "title, title_romanji FROM anime.episodes(1)": (meant, meant),
        "title FROM anime.recommendations(1)": (meant,),
    }.items():
        assert reader.execute(f"SELECT {query}").fetchone() == row, query
    # As it came: for who wants Jikan's own.
    assert value(reader, "SELECT anime.facet(1, 'staff') #>> '{data,0,person,name}'") == said
    assert said in value(reader, "SELECT (anime.v4('/v4/anime/1/full', '{}')).body")
