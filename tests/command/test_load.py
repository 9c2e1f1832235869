"""`pgjikan load`: of any layout what can be understood is loaded, and the rest is told."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgjikan import document_file
from pgjikan.document_file import batches
from pgjikan.errors import PgjikanError
from tests.store.documents import anime, full

Connection = psycopg.Connection[Any]
TITLE = '進撃の巨人 \U0001f600 \\ " [x], {y}'
THREE = [anime(1), anime(2, title=TITLE), full(3)]


def text(value: Any, **how: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **how).encode()


RESPONSE = {"pagination": {"has_next_page": False}, "data": THREE}
LAYOUTS = {
    "lines": b"\n".join(map(text, THREE)),
    "lines of Windows": b"\r\n".join(map(text, THREE)) + b"\r\n",
    "a line": text(THREE),
    "an array over lines": text(THREE, indent=2),
    "objects over lines": b"\n".join(text(each, indent=1) for each in THREE),
    "a response": text(RESPONSE),
    "a response over lines": text(RESPONSE, indent=4),
    "data first": text(dict(reversed(RESPONSE.items())), indent=1),
    "two responses": text({"data": THREE[:2]}, indent=1) + text({"data": THREE[2:]}, indent=1),
    "a response a line": text({"data": THREE[:2]}) + b"\n" + text({"data": THREE[2]}) + b"\n",
    "a mark first": b"\xef\xbb\xbf" + text(THREE, indent=1),
    "a mark and lines": b"\xef\xbb\xbf\n" + b"\n".join(map(text, THREE)),
    "zipped, by its bytes": gzip.compress(text(THREE, indent=1)),
}


def load(path: Path, dsn: str) -> tuple[int, dict[str, int] | None, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from pgjikan.cli import main; main()", "load", path, "--json"],
        env={**os.environ, "DATABASE_URL": dsn, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def titles(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT mal_id, title FROM jikan.anime").fetchall())


def test_every_layout_is_understood(database: str, connection: Connection, tmp_path: Path) -> None:
    for name, raw in LAYOUTS.items():
        path = tmp_path / "anime.json"
        path.write_bytes(raw)
        connection.execute("TRUNCATE jikan.anime CASCADE")
        counts = {"inserted": 3, "updated": 0, "unchanged": 0, "rejected": 0}
        assert load(path, database) == (0, counts, ""), name
        assert titles(connection) == {each["mal_id"]: each["title"] for each in THREE}, name


def test_a_bad_character_costs_no_title(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    lines = [
        rb'{"mal_id": 1, "title": "a\u0000b"}',
        rb'{"mal_id": 2, "title": "a\ud800b"}',
        rb'{"mal_id": 3, "title": "a\ud83d\ude00b \\u0000"}',
        b'{"mal_id": 4, "title": "a\x00b"}',
        b'{"mal_id": 5, "title": "a\xffb"}',
    ]
    meant = {
        1: "a\ufffdb",
        2: "a\ufffdb",
        3: "a\U0001f600b \\u0000",
        4: "a\ufffdb",
        5: "a\ufffdb",
    }
    path = tmp_path / "anime.jsonl"
    for raw in (b"\n".join(lines), b"[\n" + b",\n".join(lines) + b"\n]"):
        path.write_bytes(raw)
        connection.execute("TRUNCATE jikan.anime CASCADE")
        status, counts, said = load(path, database)
        assert titles(connection) == meant, (status, counts, said)
        assert status == 0


def test_what_is_rejected_is_told_and_the_rest_is_loaded(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "anime.jsonl"
    path.write_bytes(b'{"mal_id": 1, broken}\n' + text(anime(2)) + b"\n" + text({"mal_id": 3}))
    status, counts, said = load(path, database)
    assert (status, counts) == (1, {"inserted": 1, "updated": 0, "unchanged": 0, "rejected": 2})
    assert f"{path}:1: is not JSON" in said and f"{path}:3: title is missing" in said
    assert "2 documents were rejected" in said and "jikan_sync.rejected_document" in said
    reasons = connection.execute("SELECT reason FROM jikan_sync.rejected_document").fetchall()
    assert sorted(reasons) == [("is not JSON",), ("title is missing, not string",)]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "there is no document"),
        (b" \n\n", "there is no document"),
        (b"[]", "there is no document"),
        (b'{"data": []}', "there is no document"),
        (text(THREE).decode().encode("utf-16"), "UTF-16"),
        (text(THREE, indent=1)[:-1], "ends too early"),
        (text(THREE, indent=1)[:-60], "no JSON from line"),
        (gzip.compress(text(THREE))[:-20], "cannot read"),
    ],
)
def test_a_file_that_is_none_says_what_is_wrong(
    database: str, tmp_path: Path, raw: bytes, words: str
) -> None:
    path = tmp_path / "anime.json"
    path.write_bytes(raw)
    status, counts, said = load(path, database)
    assert (status, counts) == (1, None)
    assert words in said and "hint:" in said


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an array and of a response's data no more is held than a batch and a document."""
    monkeypatch.setattr(document_file, "BATCH_BYTES", 10_000)
    monkeypatch.setattr(document_file, "_CHUNK", 4_096)
    many = [anime(number) for number in range(1, 501)]
    for raw in (
        text(many),
        text(many, indent=1),
        text({"data": many}),
        text({"data": many}, indent=1),
    ):
        found = list(batches(io.BytesIO(raw)))
        assert max(len(batch.text) for batch in found) < 15_000
        assert [json.loads(line) for batch in found for line in batch.text.split("\n")] == many


def test_a_value_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_file, "MAX_VALUE", 10_000)
    with pytest.raises(PgjikanError, match="more than 10000 characters"):
        list(batches(io.BytesIO(b'{\n"data": {"title": "' + b"x " * 1_000_000 + b'"}}')))


def test_a_bad_document_costs_no_neighbour(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "anime.jsonl"
    deep = b"[" * 50_000 + b"]" * 50_000
    path.write_bytes(b"\n".join([text(anime(1)), deep, text(anime(2))]))
    status, counts, said = load(path, database)
    assert (status, counts) == (1, {"inserted": 2, "updated": 0, "unchanged": 0, "rejected": 1})
    assert f"{path}:2: " in said


def test_what_is_whole_in_a_file_cut_short_is_loaded(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "anime.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(text(anime(n)) for n in range(1, 1501)))[:-200])
    status, _, said = load(path, database)
    assert (status, "cannot read line " in said) == (1, True)
    assert len(titles(connection)) > 1300


def test_a_folder_is_its_files(database: str, connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(text(THREE[:1], indent=1))
    (tmp_path / "b.json").write_bytes(text(THREE[:2], indent=1)[:-60])
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(text(THREE[2])))
    status, _, said = load(tmp_path, database)
    assert status == 1
    assert "b.json: no JSON from line" in said and "1 of 3 files" in said
    assert set(titles(connection)) == {1, 3}
    (tmp_path / "b.json").unlink()
    assert load(tmp_path, database)[0] == 0
