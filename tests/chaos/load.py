"""The work: what apps ask for, faster than the upstreams allow, noted where it was acknowledged."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import psycopg

from tests.chaos.evidence import Wish
from tests.chaos.stage import AWAY, Stage
from tests.chaos.upstreams import WORDS

#: Seconds between two actions.
PACE = 0.04
#: So many titles get half of the attention, so that what is about one of them meets in flight.
HOT = 5


class Load(Thread):
    """One app that publishes, changes, asks and searches, at random but by the seed."""

    def __init__(self, stage: Stage, seed: int) -> None:
        super().__init__(name="load", daemon=True)
        self.refused = 0
        self.failure: BaseException | None = None
        self._stage = stage
        self._dice = random.Random(f"{seed}/load")
        self._stop_event = Event()
        self._connection: psycopg.Connection[Any] | None = None

    def stop(self) -> None:
        self._stop_event.set()
        self.join()

    def run(self) -> None:
        acts: list[tuple[Callable[[], None], int]] = [
            (self._search_for_a_new_title, 3),
            (self._ask_for_a_title, 6),
            (self._change_and_ask, 10),
            (self._ask_for_more, 4),
            (self._search_for_many, 3),
            (self._search_by_meaning, 3),
            (self._sync, 1),
            (self._read, 3),
        ]
        try:
            while not self._stop_event.wait(PACE):
                [act] = self._dice.choices([a for a, _ in acts], [w for _, w in acts])
                try:
                    act()
                except AWAY:
                    self.refused += 1  # so it is nobody's loss
                    if self._connection is not None and self._connection.closed:
                        self._connection = None
        except BaseException as error:
            self.failure = error

    def _search_for_a_new_title(self) -> None:
        name = self._stage.jikan.names[self._stage.jikan.publish()]
        self._wish("search:" + name.casefold(), "SELECT count(*) FROM anime.search(%s)", name)

    def _ask_for_a_title(self) -> None:
        mal_id = self._some_title()
        self._execute("SELECT anime.get(%s)", mal_id)

    def _change_and_ask(self) -> None:
        mal_id = self._some_title()
        self._stage.jikan.change(mal_id)
        self._enqueue("anime", mal_id)

    def _ask_for_more(self) -> None:
        facet, mal_id = self._dice.choice(["reviews", "images"]), self._some_title()
        self._wish(
            f"{facet}:{mal_id}",
            "SELECT jikan_sync.enqueue('facet', %s, jsonb_build_object('facet', %s::text))",
            *(mal_id, facet),
        )

    def _search_for_many(self) -> None:
        """A word of many titles: a page of rows that others fetch meanwhile."""
        word = self._dice.choice(WORDS).lower()
        self._wish("search:" + word, "SELECT jikan_sync.request_search(%s)", word)

    def _search_by_meaning(self) -> None:
        text = f"a story about the number {self._dice.randrange(10_000)}"
        self._wish("embed_query:" + text, "SELECT count(*) FROM anime.search_semantic(%s)", text)

    def _sync(self) -> None:
        if self._dice.random() < 0.5:
            self._execute("SELECT jikan_sync.start_sync_run('catalogue')")
        else:
            self._execute("SELECT jikan_sync.start_sync_run('season', season => 'now')")

    def _read(self) -> None:
        mal_id = self._some_title()
        self._execute("SELECT count(*) FROM anime.similar(%s)", mal_id)
        self._execute("SELECT count(*) FROM anime.recommend(ARRAY[%s])", mal_id)
        self._execute("SELECT count(*) FROM anime.health")

    def _enqueue(self, task: str, mal_id: int) -> None:
        priority = self._dice.choice(["high", "low", "low"])
        self._wish(
            f"{task}:{mal_id}",
            "SELECT jikan_sync.enqueue(%s, %s, priority => %s)",
            *(task, mal_id, priority),
        )

    def _wish(self, subject: str, query: str, *values: Any) -> None:
        """Ask; where the task was taken up, it must come to an end after this."""
        after = self._execute("SELECT coalesce(max(h.id), 0) FROM jikan_sync.queue_history AS h")
        asked = self._execute(query, *values)
        taken = self._execute(
            "SELECT exists(SELECT FROM jikan_sync.queue AS q WHERE q.dedupe_key = %s)", subject
        )
        if taken or (asked and query.startswith("SELECT jikan_sync.enqueue")):
            self._stage.evidence.wishes.append(Wish(subject, after))

    def _some_title(self) -> int:
        if not self._stage.jikan.states:
            self._stage.jikan.publish()
        known = len(self._stage.jikan.states)
        return self._dice.randint(1, min(known, HOT) if self._dice.random() < 0.5 else known)

    def _execute(self, query: str, *values: Any) -> Any:
        if self._connection is None:
            self._connection = self._stage.as_app()
        row = self._connection.execute(query, values or None).fetchone()
        return None if row is None else row[0]
