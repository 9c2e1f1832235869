"""What tests of embeddings and recommendations do again and again, in the words of SQL."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]


class Claimed(NamedTuple):
    task_id: int
    lease_token: UUID
    purpose: str
    input: str
    title: str | None
    input_hash: UUID
    anime_id: int | None
    model_id: int
    provider: str
    model: str
    dimensions: int
    wait: Any


def store(connection: Connection, *documents: dict[str, Any]) -> None:
    """Store Jikan documents; a title is made up where there is none."""
    filled = [{"title": title(d["mal_id"]), **d} for d in documents]
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps(filled)])


def title(mal_id: int) -> str:
    """A title unlike any other's: a number would look like a season."""
    return "Title q" + "".join("abcdefghij"[int(digit)] for digit in str(mal_id))


def claim(connection: Connection, worker: str = "worker") -> list[Claimed]:
    rows = connection.execute("SELECT * FROM jikan_sync.claim_embeddings(%s)", [worker])
    return [Claimed(*row) for row in rows]


def unit(*values: float, dimensions: int = 512) -> str:
    """A vector of length 1 that begins with these values, as text."""
    padded = [*values, *[0.0] * (dimensions - len(values))]
    length = math.hypot(*padded)
    return str([value / length for value in padded])


def answer(
    connection: Connection, texts: Sequence[Claimed], vectors: Sequence[str] | None = None
) -> tuple[int, int, int]:
    """Hand in vectors: stored, outdated, invalid."""
    vectors = vectors or [unit(1.0, dimensions=text.dimensions) for text in texts]
    row = connection.execute(
        "SELECT * FROM jikan_sync.store_embeddings(%s, %s, %s, %s::bigint[], %s, %s, 5)",
        [
            texts[0].model_id,
            [text.task_id for text in texts],
            [text.lease_token for text in texts],
            [text.anime_id for text in texts],
            [text.input_hash for text in texts],
            list(vectors),
        ],
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def fail(
    connection: Connection,
    texts: Sequence[Claimed],
    outcome: str,
    retry_after: str | None = None,
) -> str:
    return str(
        value(
            connection,
            "SELECT jikan_sync.fail_embeddings(%s, %s, %s, %s, %s, 'said so', %s::interval)",
            texts[0].model_id,
            [text.task_id for text in texts],
            [text.lease_token for text in texts],
            [text.input_hash for text in texts],
            outcome,
            retry_after,
        )
    )


def value(connection: Connection, query: str, *parameters: Any) -> Any:
    """The first column of the first row."""
    row = connection.execute(query.encode(), parameters or None).fetchone()
    assert row is not None
    return row[0]


def set_setting(connection: Connection, name: str, new: str) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = %s WHERE name = %s", [new, name])


def embed_all(connection: Connection, vectors: dict[int, str]) -> None:
    """Answer everything that is due, with the vector given for the mal_id."""
    while texts := claim(connection):
        ids = dict(
            connection.execute(
                "SELECT id, mal_id FROM jikan.anime WHERE id = ANY (%s)",
                [[text.anime_id for text in texts]],
            ).fetchall()
        )
        answer(connection, texts, [vectors[ids[text.anime_id]] for text in texts])


def add_model(connection: Connection, name: str = "other", dimensions: int = 3) -> int:
    """A second model of the local provider, backfilling."""
    return int(
        value(
            connection, "SELECT jikan_sync.add_embedding_model('local', %s, %s)", name, dimensions
        )
    )


def vote(connection: Connection, own: int, votes: dict[int, int], at: str = "2026-01-01Z") -> None:
    """The recommendations of a title, as Jikan lists them."""
    data = [{"entry": {"mal_id": other}, "votes": count} for other, count in votes.items()]
    connection.execute(
        "SELECT jikan_sync.store_recommendations(%s, %s::jsonb, %s::timestamptz)",
        [own, json.dumps(data), at],
    )


def refresh(connection: Connection) -> int:
    """A run of refresh_neighbours: how many titles it reckoned."""
    return int(value(connection, "SELECT jikan_sync.refresh_neighbours()"))
