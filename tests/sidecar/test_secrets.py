"""A lane that dies says where and why, and no secret, whoever renders the line."""

from __future__ import annotations

import base64
import json
import os
import pty
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgjikan.redaction import hide, redacted

from .conftest import process, wait_until

Connection = psycopg.Connection[Any]

SECRETS = {
    "server key": "k3y-of-the-provider",
    "gemini key": "AIza-key-of-gemini",
    "database password": 'pass"w0rd of the database',
    "basic auth of Jikan": "jikan-pa55word",
    "basic auth of Google": "google-pa55word",
}
#: Bugs with the secrets in locals, in messages and in causes, inside a task and outside of one.
BUGS = """
import os, logging
from pgjikan import db
from pgjikan.jikan_lane import JikanLane
from pgjikan.embedding_lane import EmbeddingLane

def fail(self):
    settings, dsn = self._settings, os.environ["DATABASE_URL"]
    keys = [key.get_secret_value() for key in settings.server_keys.values()]
    urls = [str(settings.jikan_url.get_secret_value())]
    urls.append(str(settings.google_base_url.get_secret_value()))
    held = [*keys, *urls, settings.gemini_api_key.get_secret_value(), dsn]
    logging.getLogger("urllib3").warning("cannot reach %s", held)
    try:
        raise ValueError(held)
    except ValueError as error:
        raise RuntimeError(f"this lane knows {held}") from error

JikanLane._ask = lambda self, request: fail(self)
EmbeddingLane.step = fail
"""


def environment() -> dict[str, str]:
    return {
        "PGJIKAN_SERVER_KEYS": json.dumps({"tenrai": SECRETS["server key"]}),
        "PGJIKAN_GEMINI_API_KEY": SECRETS["gemini key"],
        "PGJIKAN_JIKAN_URL": f"http://me:{SECRETS['basic auth of Jikan']}@127.0.0.1:9/v4",
        "PGJIKAN_GOOGLE_BASE_URL": f"http://me:{SECRETS['basic auth of Google']}@127.0.0.1:9",
        "PGJIKAN_POLL_SECONDS": "0.1",
    }


def forms(secret: str) -> set[str]:
    """How a secret may be written in a log line."""
    return {
        secret,
        quote(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"me:{secret}".encode()).decode(),
    }


def read_all(descriptor: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # the other end of a terminal is gone
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode(errors="replace")


@pytest.mark.parametrize("renderer", ["JSON", "terminal"])
def test_a_lane_that_dies_tells_no_secret(
    database: str, connection: Connection, renderer: str
) -> None:
    connection.execute("SELECT jikan_sync.enqueue_many('anime', '{1}')")
    password, login = SECRETS["database password"], sql.Identifier(connection.info.dbname)
    query = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE jikan_sidecar")
    connection.execute(query.format(login, sql.Literal(password)))
    dsn = make_conninfo(database, user=connection.info.dbname, password=password)
    mine, theirs = pty.openpty() if renderer == "terminal" else os.pipe()
    with process(dsn, before=BUGS, stdout=theirs, **environment()) as running:
        os.close(theirs)
        charged = "SELECT message FROM jikan_sync.queue_history WHERE error_class = 'bug'"
        wait_until(lambda: connection.execute(charged).fetchone())
        running.terminate()
        output = read_all(mine)
        running.wait()
    os.close(mine)
    connection.execute(sql.SQL("DROP ROLE {}").format(login))
    kept = str(connection.execute(charged).fetchall())
    assert "task_failed" in output and "part_failed" in output, output
    assert "RuntimeError" in output and "this lane knows" in output
    assert "ValueError" in output, "the cause is told too"
    assert "jikan_lane.py" in output, "and where"
    assert "cannot reach" in output, "other libraries are heard"
    assert "locals" not in output
    for name, secret in SECRETS.items():
        for form in forms(secret):
            assert form not in output, f"{name} as {form}"
            assert form not in kept, f"{name} as {form} in the database"
    if renderer == "JSON":
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        [error] = [line for line in lines if line["event"] == "task_failed"][:1]
        assert error["exception"][0]["frames"]


def test_what_is_redacted_and_what_is_not() -> None:
    hide(["s3cret/with+signs", "abc"])
    assert redacted("the key s3cret/with+signs was sent") == "the key *** was sent"
    assert redacted("s3cret%2Fwith%2Bsigns") == "***"
    assert (
        redacted("http://me:other@host/x and http://host/x")
        == "http://***@host/x and http://host/x"
    )
    assert redacted("abc") == "abc", "too short to be one, and in every other word"
