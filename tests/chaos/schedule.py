"""What goes wrong when: a plan that the seed decides, so that a run can be replayed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import errors

SIDECARS = 3
KILLS_A_SECOND = 1.25

#: The SQLSTATEs that the faults below are, seen from inside the server.
EXPLAINED = {
    str(error.sqlstate)
    for error in (
        errors.AdminShutdown,
        errors.CrashShutdown,
        errors.CannotConnectNow,
        errors.DiskFull,
        errors.ReadOnlySqlTransaction,
        errors.ConnectionFailure,
        errors.ProtocolViolation,
    )
}

#: Answers of an upstream that are nobody's truth; those that would be believed (another title's
#: document, older values) are lies, and no mirror can tell.
UPSTREAM_FAULTS = (
    *("429", "429_int", "500", "503", "504", "html_502", "html", "empty_body", "error_200"),
    *("limit_200", "half_json", "timeout", "reset", "truncated", "redirect"),
)
EMBEDDING_FAULTS = (
    *("bare 429", "500", "503", "502 of a proxy", "short batch", "NaN", "zero vector"),
    *("not JSON", "reset", "cut"),
)
#: Whose network: a sidecar's own, or that of all.
ROADS = ("0", "1", "2", "all")
JUMPS = (30.0, 120.0, 3_600.0, 93_600.0, -45.0)


@dataclass(frozen=True, slots=True)
class Kill:
    """A sidecar gets SIGKILL at `at` seconds and is started again after `rest`."""

    at: float
    sidecar: int
    rest: float


@dataclass(frozen=True, slots=True)
class Weather:
    """Something around the sidecars is wrong from `at` on, for `seconds`."""

    at: float
    kind: str
    seconds: float
    detail: str = ""
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    seed: int
    kills: tuple[Kill, ...]
    fronts: tuple[tuple[Weather, ...], ...]


def schedule(seed: int, kills: int) -> Schedule:
    """The plan of a seed: so many kills, and three kinds of weather as long as they last."""
    dice = random.Random(f"{seed}/kills")
    at, planned = 1.5, []
    for _ in range(kills):
        at += dice.expovariate(KILLS_A_SECOND)
        planned.append(Kill(at, dice.randrange(SIDECARS), dice.uniform(0, 0.8)))
    fronts = tuple(
        tuple(_front(random.Random(f"{seed}/{name}"), at, kinds)) for name, kinds in FRONTS.items()
    )
    return Schedule(seed, tuple(planned), fronts)


def _front(
    dice: random.Random, until: float, seconds: Mapping[str, tuple[float, float]]
) -> Iterator[Weather]:
    """Every kind once before any comes again, with a breath between."""
    kinds: list[str] = []
    at = 1.0
    while at < until:
        if not kinds:
            kinds = [*seconds]
            dice.shuffle(kinds)
        kind = kinds.pop()
        weather = _one(dice, at, kind, dice.uniform(*seconds[kind]))
        yield weather
        at += weather.seconds + dice.uniform(0.5, 2.0)


#: What can be wrong at the same time, and for how many seconds each.
FRONTS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "network": {
        "cut": (0.3, 2.5),
        "freeze": (0.5, 3.0),
        "slow": (1.5, 4.0),
        "pause": (0.5, 3.0),
    },
    "server": {
        "terminate": (0.0, 0.0),
        "restart": (0.0, 0.0),
        "crash": (0.0, 0.0),
        "read only": (0.5, 2.5),
        "full disk": (1.5, 3.5),
        "clock": (0.0, 1.5),
        "reader": (1.0, 4.0),
        "bug": (1.0, 4.0),
    },
    "upstreams": {"upstream": (1.5, 4.0), "embedding": (1.0, 3.0)},
}


def _one(dice: random.Random, at: float, kind: str, seconds: float) -> Weather:
    match kind:
        case "terminate":
            return Weather(at, kind, seconds, amount=float(dice.choice((1, 2, 100))))
        case "cut" | "freeze":
            return Weather(at, kind, seconds, dice.choice(ROADS))
        case "slow":
            return Weather(at, kind, seconds, dice.choice(ROADS), dice.uniform(0.01, 0.08))
        case "pause":
            return Weather(at, kind, seconds, dice.choice(ROADS[:-1]), dice.choice((0.0, 30.0)))
        case "upstream":
            return Weather(at, kind, seconds, dice.choice(UPSTREAM_FAULTS), dice.uniform(0.3, 1))
        case "embedding":
            return Weather(at, kind, seconds, dice.choice(EMBEDDING_FAULTS))
        case "clock":
            return Weather(at, kind, seconds, amount=dice.choice(JUMPS))
    return Weather(at, kind, seconds)
