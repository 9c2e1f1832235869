"""What the simulator has to tell: the titles in its database, put there as an upstream's are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from threading import Lock
from typing import Any

from pgjikan.connection import Connection, connect
from pgjikan.errors import PgjikanError

_BATCH = 500


class Catalogue:
    """The simulator's database, for whoever steers the simulator."""

    def __init__(self, dsn: str) -> None:
        self._connection: Connection = connect(dsn, "pgjikan simulator")
        self._lock = Lock()

    def close(self) -> None:
        self._connection.close()

    def __len__(self) -> int:
        return int(self._value("SELECT count(*) FROM anime.catalog"))

    def fill(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Publish many titles. Raises PgjikanError for what is no Anime object."""
        left = iter(documents)
        is_filled = False
        while batch := list(islice(left, _BATCH)):
            self._store(batch)
            is_filled = True
        if is_filled:
            self._value("SELECT jikan_sync.analyze_mirror()::text")

    def add(self, document: Mapping[str, Any]) -> None:
        """Publish a title, or change one: what ``document`` does not say stays as it was."""
        with self._lock:
            known = self._known(document["mal_id"])
            title = document.get("title") or known.get("title") or f"Anime {document['mal_id']}"
            if "title" in document:
                known.pop("titles", None)
            if "status" in document:
                known["airing"] = document["status"] == "Currently Airing"
            self._store([{"title": title} | known | dict(document)])

    def add_part(self, mal_id: int, facet: str, data: Any) -> None:
        """Publish what one of a title's routes answers."""
        self._value(
            "SELECT jikan_sync.store_facet(%s, %s, %s::json)",
            facet, mal_id, json.dumps({"data": data}),
        )  # fmt: skip

    def remove(self, mal_id: int) -> None:
        """From now on the title does not exist."""
        self._value("DELETE FROM jikan.anime WHERE mal_id = %s RETURNING mal_id", mal_id)

    def _known(self, mal_id: int) -> dict[str, Any]:
        body = self._value(
            "SELECT r.body FROM anime.v4_cached(%s, '{}') AS r WHERE r.status = 200",
            f"/anime/{mal_id}/full",
        )
        return {} if body is None else json.loads(body)["data"]

    def _store(self, documents: Iterable[Mapping[str, Any]]) -> None:
        rejected = self._value(
            "SELECT r.rejected FROM jikan_sync.store_anime(%s::jsonb, 'full') AS r",
            json.dumps([{"approved": True} | dict(document) for document in documents]),
        )
        if rejected:
            raise PgjikanError(
                f"{rejected} documents are no Anime objects",
                hint="SELECT mal_id, reason FROM jikan_sync.rejected_document; say() answers "
                "with any bytes",
            )

    def _value(self, query: Any, *values: Any) -> Any:
        row = self._connection.execute(query, values or None).fetchone()
        return None if row is None else row[0]
