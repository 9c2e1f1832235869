"""The upstreams: a Jikan whose titles change, and an embeddings API that writes its bills."""

from __future__ import annotations

import random
import time
from typing import Any

from pgjikan.simulator import Simulator
from tests.chaos.evidence import Paid
from tests.embedders.gemini_server import GeminiServer, Received

WORDS = (
    *("Amber", "Brass", "Cinder", "Drift", "Ember", "Frost", "Glass", "Harbour", "Iron", "Jade"),
    *("Kite", "Lantern", "Mirror", "Night", "Orchid", "Paper", "Quartz", "River", "Silver"),
)


class Jikan:
    """The simulator, with a number on every state of a title: `members`, and in the synopsis."""

    def __init__(self, dice: random.Random) -> None:
        self.simulator = Simulator()
        self.states: dict[int, int] = {}
        self.names: dict[int, str] = {}
        self._dice = dice

    def publish(self) -> int:
        """A title that nobody has heard of."""
        mal_id = len(self.states) + 1
        self.names[mal_id] = f"{' '.join(self._dice.sample(WORDS, 2))} {_roman(mal_id)}"
        self.states[mal_id] = 0
        self.change(mal_id)
        return mal_id

    def change(self, mal_id: int) -> None:
        """The next state of a title: another text to embed, another theme song."""
        state = self.states[mal_id] + 1
        self.states[mal_id] = state
        song = {"openings": [f"Song {state}"], "endings": []}
        self.simulator.add(
            {
                "mal_id": mal_id,
                "title": self.names[mal_id],
                "synopsis": f"Title {mal_id} as it is in state {state}.",
                "members": state,
                "status": "Currently Airing" if mal_id % 3 == 0 else "Finished Airing",
                "theme": song,
            }
        )


def _roman(number: int) -> str:
    """A word for a number, so that no two titles look alike to a fuzzy search."""
    return "".join("bdfgklmnprstvz"[int(d)] + "aeiou"[int(d) % 5] for d in f"{number:04}").title()


class Embeddings(GeminiServer):
    """Google's wire, answered after a moment in which a sidecar can be killed."""

    def __init__(self) -> None:
        self.paid: list[Paid] = []
        self.arrivals: list[float] = []
        super().__init__()
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # it was killed

    def answer(self, received: Received) -> tuple[int, Any, dict[str, str]]:
        arrived = time.time()
        self.arrivals.append(arrived)
        answer = super().answer(received)
        if self.fault is None:
            life = int(received.headers["x-goog-api-key"].removeprefix("life-"))
            texts = [
                "".join(part["text"] for part in one["content"]["parts"])
                for one in received.requests
            ]
            time.sleep(0.25)
            self.paid.append(Paid(arrived, life, tuple(texts), time.time() - arrived))
        return answer
