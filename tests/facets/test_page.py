"""The page of a title that nobody mirrored: fetched as a user waits for it, then kept for good."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
from pydantic import HttpUrl

from pgjikan.db import connector
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from tests.jikan_documents import Documents

Connection = psycopg.Connection[Any]
ID = 52991

#: What an app asks for to show a title, in the order of its page.
PAGE = {
    "get": "SELECT anime.get(%s) IS NOT NULL",
    "characters": "SELECT count(*) > 0 FROM anime.characters(%s)",
    "episodes": "SELECT count(*) > 0 FROM anime.episodes(%s)",
    "recommendations": "SELECT count(*) > 0 FROM anime.recommendations(%s)",
}


def show(reader: Connection) -> dict[str, bool]:
    return {
        part: reader.execute(query.encode(), [ID]).fetchone() == (True,)
        for part, query in PAGE.items()
    }


def test_a_whole_page_of_an_unknown_title(
    database: str, connection: Connection, connect: Callable[..., Connection], shared: Path
) -> None:
    def recorded(name: str) -> Any:
        file = shared / "jikan/recorded" / f"{name}-{ID}{'-full' * (name == 'anime')}.json"
        return json.loads(file.read_text(encoding="utf-8"))

    episodes = recorded("episodes")
    episodes["pagination"] = {"last_visible_page": 1, "has_next_page": False}
    upstream = Documents(
        {
            f"/anime/{ID}/full": recorded("anime"),
            f"/anime/{ID}/pictures": recorded("pictures"),
            f"/anime/{ID}/reviews": {"data": [], "pagination": {"has_next_page": False}},
            f"/anime/{ID}/characters": recorded("characters"),
            f"/anime/{ID}/episodes": episodes,
            f"/anime/{ID}/recommendations": recorded("recommendations"),
        }
    )
    connection.execute("UPDATE jikan_sync.provider SET per_second = 2 WHERE enabled")
    reader = connect(role="anime_reader")
    settings = Settings(jikan_url=HttpUrl(upstream.url), contact="")
    lane = JikanLane(connector(database, "test lane"), settings, Event(), "w")

    def fetch() -> list[str]:
        before = len(upstream.asked)
        while lane.step():
            pass
        return [path.partition("?")[0].split("/")[-1] for path in upstream.asked[before:]]

    try:
        with upstream:
            assert not any(show(reader).values()), "nothing yet, and no error"
            started = time.monotonic()
            assert fetch() == ["full"], "the title before its parts, and once"
            first = show(reader)
            assert first == dict.fromkeys(PAGE, False) | {"get": True}
            asked = fetch()
            assert asked[:2] == ["pictures", "reviews"], "what get shows, and asked for first"
            assert asked[2:5] == ["characters", "episodes", "recommendations"]
            assert asked[5:] == []
            assert time.monotonic() - started > (len(upstream.asked) - 1 - 2) / 2, "its pace"
        upstream.asked.clear()
        assert all(show(reader).values()), "from the database, with every upstream dead"
        assert fetch() == []
        states = connection.execute("SELECT anime.get(%s) -> 'freshness'", [ID]).fetchone()
        assert states is not None
        kept = {facet for facet, age in states[0].items() if age["state"] == "fresh"}
        assert kept >= {"core", "images", "reviews", "characters", "episodes", "recommendations"}
        for part in ("full", "characters", "episodes", "recommendations"):
            answer = reader.execute(
                "SELECT (anime.v4(%s, '{}')).status", [f"/v4/anime/{ID}/{part}"]
            ).fetchone()
            assert answer == (200,), part
        assert connection.execute("SELECT count(*) FROM jikan_sync.wish").fetchone() == (0,)
    finally:
        lane.close()
