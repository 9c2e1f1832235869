"""A mirror with everything in it: rows, children, vectors, tasks, jobs, logins."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgjikan import db
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.settings import Settings
from tests.store.documents import anime, full
from tests.store.test_store_anime import store

Connection = psycopg.Connection[Any]
TITLES = ["Cowboy Bebop", "Trigun", "Monster", "Mushishi", "Baccano!", "Kaiba"]


def fill(connection: Connection) -> None:
    """Put a little of everything into a deployed database."""
    connection.execute(
        "UPDATE jikan_sync.setting SET value = 'immediate' WHERE name = 'embedding_low_priority'"
    )
    store(
        connection,
        [
            full(
                number,
                title=title,
                titles=[{"type": "Default", "title": title}],
                synopsis=f"{title} is story number {number}.",
                relations=[],
            )
            for number, title in enumerate(TITLES, 1)
        ]
        + [anime(50, title="A list row", synopsis="Seen on a page only.")],
    )
    connection.execute(
        "SELECT jikan_sync.store_reviews(1, %s::jsonb)",
        ['[{"mal_id": 7, "review": "Good.", "score": 8}]'],
    )
    connection.execute("SELECT jikan_sync.store_pictures(1, '[{\"jpg\": {}}]')")
    embed(connection)
    connection.execute("SELECT anime.search_semantic('a story')")
    embed(connection)
    connection.execute("SELECT anime.search('something unheard of')")
    connection.execute("SELECT anime.get(50)")
    connection.execute("SELECT jikan_sync.start_sync_run('catalogue')")
    connection.execute("SELECT jikan_sync.store_anime('[{\"mal_id\": 9}]')")
    connection.execute("SELECT jikan_sync.tick()")


def embed(connection: Connection) -> None:
    """Give every title and question that waits its vector."""
    info = connection.info
    dsn = f"host={info.host} port={info.port} user={info.user} dbname={info.dbname}"
    if info.password:
        dsn += f" password={info.password}"
    lane = EmbeddingLane(db.connector(dsn, "test"), Settings(), Event(), "fill")
    while lane.step():
        pass
    lane.close()


def grant_logins(connection: Connection, prefix: str) -> tuple[str, str]:
    """Make a login for an app and one for a sidecar; their names."""
    names = f"{prefix}_app", f"{prefix}_sidecar"
    for name, group in zip(names, ("anime_reader", "jikan_sidecar"), strict=True):
        role = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(role))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), role))
    return names


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account may enter."""
    path = Path(tempfile.mkdtemp(prefix="pgjikan-reliability-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)
