"""The SQL functions of the embedding lane, one Python function each; no decision is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from pgjikan.db import Connection
from pgjikan.embedders import Embedded, Purpose


@dataclass(frozen=True, slots=True)
class Text:
    """A text to embed, as ``jikan_sync.claim_embeddings`` returns it."""

    task_id: int
    lease_token: UUID
    purpose: Purpose
    input: str
    title: str | None
    input_hash: UUID
    anime_id: int | None
    model_id: int
    provider: str
    model: str
    dimensions: int
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of an answer, as ``jikan_sync.store_embeddings`` returns it."""

    stored: int
    outdated: int
    invalid: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word to embed, as ``jikan_sync.claim_words`` returns it; no lexeme: of a query."""

    model_id: int
    provider: str
    model: str
    dimensions: int
    word: str
    lexeme: str | None


def active_model(connection: Connection) -> tuple[str, str, int] | None:
    """Provider, model and dimensions of the model in use; None where there is none."""
    return connection.execute("SELECT m.* FROM jikan_sync.active_model() AS m").fetchone()


def claim_embeddings(connection: Connection, *, worker: str) -> list[Text]:
    """Lease the texts of one request: all of one model and purpose."""
    with connection.cursor(row_factory=class_row(Text)) as cursor:
        return cursor.execute(
            "SELECT t.task_id, t.lease_token, t.purpose, t.input, t.title, t.input_hash, "
            "t.anime_id, t.model_id, t.provider, t.model, t.dimensions, t.wait "
            "FROM jikan_sync.claim_embeddings(worker => %(worker)s) AS t",
            {"worker": worker},
        ).fetchall()


def store_embeddings(connection: Connection, texts: Sequence[Text], answer: Embedded) -> Stored:
    """Hand in the vectors of a batch."""
    with connection.cursor(row_factory=class_row(Stored)) as cursor:
        row = cursor.execute(
            "SELECT s.stored, s.outdated, s.invalid FROM jikan_sync.store_embeddings("
            "model_id => %(model_id)s, task_ids => %(task_ids)s, lease_tokens => %(lease_tokens)s, "
            "anime_ids => %(anime_ids)s::bigint[], input_hashes => %(input_hashes)s, "
            "embeddings => %(embeddings)s, elapsed_ms => %(elapsed_ms)s) AS s",
            _batch(texts)
            | {
                "anime_ids": [text.anime_id for text in texts],
                "embeddings": [_vector(vector) for vector in answer.vectors],
                "elapsed_ms": answer.elapsed_ms,
            },
        ).fetchone()
    assert row is not None  # the function answers one row
    return row


def fail_embeddings(connection: Connection, texts: Sequence[Text], answer: Embedded) -> str:
    """Report that a batch failed; answers retry, dead or lost."""
    seconds = answer.retry_after_seconds
    row = connection.execute(
        "SELECT jikan_sync.fail_embeddings(model_id => %(model_id)s, task_ids => %(task_ids)s, "
        "lease_tokens => %(lease_tokens)s, input_hashes => %(input_hashes)s, "
        "outcome => %(outcome)s, message => %(message)s, retry_after => %(retry_after)s)",
        _batch(texts)
        | {
            "outcome": answer.outcome,
            "message": answer.message,
            "retry_after": None if seconds is None else timedelta(seconds=seconds),
        },
    ).fetchone()
    assert row is not None  # the function answers one value
    return str(row[0])


def claim_words(connection: Connection) -> list[Word]:
    """Words that the model in use has not been asked for."""
    with connection.cursor(row_factory=class_row(Word)) as cursor:
        return cursor.execute(
            "SELECT w.model_id, w.provider, w.model, w.dimensions, w.word, w.lexeme "
            "FROM jikan_sync.claim_words() AS w"
        ).fetchall()


def store_words(
    connection: Connection, words: Sequence[Word], vectors: Sequence[Sequence[float]]
) -> None:
    """Hand in the vectors of words."""
    connection.execute(
        "SELECT jikan_sync.store_words(model_id => %(model_id)s, words => %(words)s, "
        "lexemes => %(lexemes)s::text[], embeddings => %(embeddings)s)",
        {
            "model_id": words[0].model_id,
            "words": [word.word for word in words],
            "lexemes": [word.lexeme for word in words],
            "embeddings": [_vector(vector) for vector in vectors],
        },
    )


def _batch(texts: Sequence[Text]) -> dict[str, Any]:
    return {
        "model_id": texts[0].model_id,
        "task_ids": [text.task_id for text in texts],
        "lease_tokens": [text.lease_token for text in texts],
        "input_hashes": [text.input_hash for text in texts],
    }


def _vector(values: Sequence[float]) -> str:
    # Half precision keeps three digits; six leave nothing to rounding.
    return "[" + ",".join(f"{value:.6g}" for value in values) + "]"
