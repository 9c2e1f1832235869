"""What the client passes on is text that jsonb takes, with its meaning kept."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgjikan.client import JikanClient
from pgjikan.client.text import parsed, storable
from tests.client.conftest import Serve
from tests.conftest import Server

PIECES = st.sampled_from(
    [
        *("\\u0000", "\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\uD83D\\uDE00", "\\udbff"),
        *(
            "\\\\",
            '\\"',
            "\\/",
            "\\n",
            "\\u30ab",
            "u0000",
            "ud83d",
            "カ",
            "😀",
            "a",
            " ",
            "\\ufffd",
        ),
    ]
)


class Jsonb:
    """Text in, what jsonb made of it out."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)

    def __call__(self, text: str) -> object:
        row = self.connection.execute("SELECT (%s::text)::jsonb", [text]).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture(scope="module")
def jsonb(server: Server) -> Iterator[Jsonb]:
    jsonb = Jsonb(server.conninfo("postgres"))
    yield jsonb
    jsonb.connection.close()


@pytest.mark.parametrize(
    ("raw", "passed_on"),
    [
        (rb'{"data":["\u0000"]}', '{"data":["\\ufffd"]}'),
        (rb'{"data":["\\u0000"]}', r'{"data":["\\u0000"]}'),
        (rb'{"data":["\\\u0000"]}', r'{"data":["\\\ufffd"]}'),
        (rb'{"data":["\ud83d\ude00"]}', r'{"data":["\ud83d\ude00"]}'),
        (rb'{"data":["\ud83d \ude00"]}', r'{"data":["\ufffd \ufffd"]}'),
        (rb'{"data":["\ud83d\ud83d\ude00"]}', r'{"data":["\ufffd\ud83d\ude00"]}'),
        (b'{"data":["a\xffb\xed\xa0\x80"]}', '{"data":["a\ufffdb\ufffd\ufffd\ufffd"]}'),
        (rb'{"data":[1.10, 1e2, "\/"], "data":[2]}', r'{"data":[1.10, 1e2, "\/"], "data":[2]}'),
    ],
)
def test_text_is_passed_on_as_it_came_but_for_what_jsonb_refuses(
    client: JikanClient, serve: Serve, raw: bytes, passed_on: str
) -> None:
    assert client.fetch("/anime", base_url=serve(200, raw)).body == passed_on


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(PIECES, max_size=12))
def test_jsonb_takes_every_text(jsonb: Jsonb, pieces: list[str]) -> None:
    raw = '["' + "".join(pieces) + '"]'
    try:
        json.loads(raw)
    except ValueError:
        return
    stored = jsonb(storable(raw))
    meant = json.loads(raw)[0].replace("\0", "\ufffd")
    meant = meant.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert stored == [meant.encode("utf-8", "replace").decode()]


@pytest.mark.parametrize(
    "number", ["1e300", "1e-300", "-1.5e300", "9" * 40, "0." + "1" * 38, "1E+5", "-0", "0e0"]
)
def test_jsonb_takes_every_number_that_passes(jsonb: Jsonb, number: str) -> None:
    parsed(number)
    assert float(str(jsonb(number))) == float(number)


def test_jsonb_takes_the_deepest_document_that_passes(jsonb: Jsonb) -> None:
    deepest = "[" * 64 + "]" * 64
    assert parsed(deepest) == jsonb(deepest)
    with pytest.raises(ValueError, match="nested"):
        parsed(f"[{deepest}]")
