"""What a gateway process is told when it starts."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

_PREFIX = "PGJIKAN_GATEWAY_"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Bounds of a gateway; workers read them from the environment that their parent made."""

    dsn: str = ""
    #: Where what a standby lacks is asked for; empty: the primary among the hosts of ``dsn``, if it
    #: names several, else where it is read.
    primary_dsn: str = ""
    #: How many different wishes wait for a primary that is away; what comes then is dropped.
    wishes: int = 1_000
    #: Sessions with the database a process; requests beyond them queue.
    connections: int = 4
    #: Bytes of path and query.
    max_url: int = 8_192
    #: Bytes of a request's head; and seconds that it may take to come, or a connection may idle,
    #: or leave unread what it asked for.
    max_head: int = 16_384
    idle_seconds: float = 15.0
    #: Connections a process; beyond them 503.
    max_connections: int = 12_000
    #: Seconds for an answer, waits for misses aside.
    answer_seconds: float = 10.0
    #: Misses a client may wait for at once, and ask for in a minute; ``shared_by`` deals them out.
    misses_at_once: int = 8
    misses_per_minute: int = 60
    #: Whether other routes than the database's are asked of an upstream, and seconds between two.
    pass_through: bool = False
    pass_seconds: float = 3.0
    #: Whose X-Forwarded-For names the client: addresses and networks, by commas.
    trusted_proxy: str = ""
    access_log: bool = True

    def shared_by(self, workers: int) -> Self:
        """The settings of one process of so many: its share of what a client may cause.

        Processes do not know of each other's clients, so each keeps to its part.
        """
        return replace(
            self,
            misses_at_once=max(self.misses_at_once // workers, 1),
            misses_per_minute=max(self.misses_per_minute // workers, 1),
        )

    def to_environment(self) -> None:
        """Write the settings where ``from_environment`` of a child process reads them."""
        for name, value in asdict(self).items():
            os.environ[_PREFIX + name.upper()] = str(
                int(value) if value in (True, False) else value
            )

    @classmethod
    def from_environment(cls) -> Self:
        """The settings that the parent process wrote."""
        given: dict[str, Any] = {}
        for field in fields(cls):
            text = os.environ.get(_PREFIX + field.name.upper())
            if text is not None:
                kind: type[Any] = type(field.default)
                given[field.name] = text == "1" if kind is bool else kind(text)
        return cls(**given)
