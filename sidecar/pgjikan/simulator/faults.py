"""Which request goes wrong, and how: asked for by a person, replayed by a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from fnmatch import fnmatchcase
from typing import Any

KINDS: Mapping[str, str] = {
    "403": "refused, as for a default User-Agent",
    "404": "the title does not exist",
    "410": "gone, HTML",
    "429": "rate limited, status as a string (retry_after=SECONDS or a date adds the header)",
    "429_int": "rate limited, status as a number",
    "500": "UpstreamException",
    "503": "maintenance (retry_after=…)",
    "504": "Jikan failed to connect to MyAnimeList",
    "html_502": "an HTML error page from the proxy",
    "html": "200 with an HTML page",
    "empty_body": "200 with nothing",
    "error_200": "200 with an error body",
    "limit_200": "200 with the body of a 429",
    "half_json": "200 with the first half of the JSON",
    "dirty_text": r"a good answer with \u0000 and half surrogates in its texts",
    "not_a_number": "a good answer with NaN for its numbers",
    "wrong_id": "a good answer for another title",
    "wrong_types": "a good answer with the types of its values mixed up",
    "empty": "a good answer that holds nothing",
    "duplicate": "a list that holds its first title twice",
    "shift": "a list page that slid by one: it repeats the last title of the page before",
    "stale_list": "list rows with older values than /full",
    "redirect": "302 to another place",
    "timeout": "never answers",
    "reset": "the connection is reset",
    "truncated": "the connection ends halfway through the body",
    "slow": "one byte of the body every delay=SECONDS",
    "slow_headers": "one byte of the headers every delay=SECONDS",
    "huge": "a body of size=BYTES",
    "gzip_bomb": "a small gzip body that unpacks to size=BYTES",
}
STORM = "storm"
SYNTAX = (
    "KIND[,rate=0.1][,path=GLOB][,next=N][,skip=N][,retry_after=S][,delay=S][,size=BYTES]: "
    "rate is the share of matching requests (all), path a glob such as '/anime/*/full' (any), "
    "next how many are left to spoil (endless), skip how many to let pass before."
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. See SYNTAX for the fields."""

    kind: str
    rate: float = 1.0
    path: str = "*"
    next: int | None = None
    skip: int = 0
    retry_after: str | None = None
    delay: float = 0.05
    size: int = 64_000_000

    def __post_init__(self) -> None:
        if self.kind not in KINDS and self.kind != STORM:
            raise ValueError(f"no fault of kind {self.kind!r}; there are: {', '.join(KINDS)}")
        if not 0 <= self.rate <= 1:
            raise ValueError(f"fault {self.kind}: rate must be from 0 to 1")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """``429,rate=0.1,path=/anime/*`` as a fault."""
        kind, *options = (part.strip() for part in text.split(","))
        pairs = dict(option.partition("=")[::2] for option in options)
        return cls.from_mapping({"kind": kind, **pairs})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Fault:
        """The same from JSON: an object of the same names."""
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown in a fault: {', '.join(sorted(unknown))}")
        types: dict[str, Any] = {"rate": float, "delay": float, "next": int, "skip": int}
        types |= {"size": int, "retry_after": str}
        made = {
            name: types.get(name, str)(value) for name, value in values.items() if value is not None
        }
        return cls(**made)


class FaultPlan:
    """The faults in force, asked in the order they came; the first that strikes is the one.

    Each has dice of its own, seeded by the plan's seed and its place: the same requests in the
    same order meet the same faults again.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._armed: list[tuple[Fault, random.Random]] = []
        self.struck: Counter[str] = Counter()

    def add(self, fault: Fault) -> None:
        dice = random.Random(f"{self._seed}/{len(self._armed)}/{fault.kind}")
        self._armed.append((fault, dice))

    def clear(self) -> None:
        self._armed.clear()

    def reset(self) -> None:
        self.clear()
        self.struck.clear()

    def pick(self, path: str) -> Fault | None:
        """The fault for the request that arrives now, if it is unlucky."""
        for place, (fault, dice) in enumerate(self._armed):
            if fault.next == 0 or not fnmatchcase(path, fault.path) or dice.random() >= fault.rate:
                continue
            if fault.skip:
                self._armed[place] = (replace(fault, skip=fault.skip - 1), dice)
                continue
            if fault.next is not None:
                self._armed[place] = (replace(fault, next=fault.next - 1), dice)
            if fault.kind == STORM:
                fault = replace(fault, kind=dice.choice(list(KINDS)))
            self.struck[fault.kind] += 1
            return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault, _ in self._armed]
