"""`pgjikan recommend --mal-list`: a list as MyAnimeList exports it, and files that are none."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pgjikan.mal_list import MOST_BYTES, Scored, read_mal_list
from tests.vector_steps import embed_all, store, unit

VECTORS = {n: unit(1.0, n / 10) for n in range(1, 9)}
ENTRY = """
    <anime>
        <series_animedb_id>{}</series_animedb_id>
        <series_title><![CDATA[Love & <Co>]]></series_title>
        <series_type>TV</series_type>
        <my_watched_episodes>12</my_watched_episodes>
        <my_score>{}</my_score>
        <my_status>{}</my_status>
        <my_tags><![CDATA[]]></my_tags>
    </anime>
"""
LIST = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- Created by XML Export feature at MyAnimeList.net -->
<myanimelist>
    <myinfo>
        <user_id>1</user_id>
        <user_name>Somebody</user_name>
        <user_export_type>1</user_export_type>
    </myinfo>
    {}
</myanimelist>
"""
MINE = [
    (1, 10, "Completed"),
    (2, 0, "Completed"),
    (3, 9, "Watching"),
    (4, 8, "On-Hold"),
    (5, 1, "Dropped"),
    (6, 0, "Plan to Watch"),
]
SEEN = [Scored(1, 10), Scored(2, None), Scored(3, None), Scored(4, None), Scored(5, None)]


def exported(*entries: tuple[object, object, str]) -> bytes:
    return LIST.format("".join(ENTRY.format(*entry) for entry in entries)).encode()


def recommend(path: Path, dsn: str) -> tuple[int, str, str]:
    arguments = ["recommend", "--mal-list", str(path), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", "from pgjikan.cli import main; main()", *arguments],
        env={**os.environ, "DATABASE_URL": dsn, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["animelist.xml", "animelist.xml.gz", "animelist"])
def test_what_was_seen_is_left_out_and_what_was_liked_leads(
    database: str, tmp_path: Path, name: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        store(connection, *({"mal_id": n} for n in VECTORS))
        embed_all(connection, VECTORS)
    content = exported(*MINE)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    status, rows, said = recommend(tmp_path / name, database)
    assert (status, said) == (0, "")
    assert [row["mal_id"] for row in json.loads(rows)] == [6, 7, 8]


@pytest.mark.parametrize("is_packed", [False, True])
def test_only_what_is_completed_has_its_score(tmp_path: Path, is_packed: bool) -> None:
    path = tmp_path / "list"
    content = exported(*MINE)
    path.write_bytes(gzip.compress(content) if is_packed else content)
    assert read_mal_list(path) == SEEN


def test_a_score_that_is_none_is_none(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(exported(*((1 + n, s, "Completed") for n, s in enumerate(["", "11", "7.5"]))))
    assert read_mal_list(path) == [Scored(1, None), Scored(2, None), Scored(3, None)]


BOMB = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "&{a};&{a};">' for a, b in zip("abcd", "bcde", strict=True)
)
DTD = f"<!DOCTYPE myanimelist [{BOMB}]>"
OUTSIDE = '<!DOCTYPE myanimelist [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
MANGA = LIST.format("<manga><manga_mangadb_id>1</manga_mangadb_id></manga>").encode()
PACKED = gzip.compress(exported(*MINE))
BROKEN = {
    "a list of manga": (MANGA, "it is a list of manga"),
    "a list of manga, packed": (gzip.compress(MANGA), "it is a list of manga"),
    "an entity bomb": (
        f"{DTD}<myanimelist><anime>&e;</anime></myanimelist>".encode(),
        "DTDForbidden",
    ),
    "a file from outside": (f"{OUTSIDE}<myanimelist>&a;</myanimelist>".encode(), "DTDForbidden"),
    "a document type": (b"<!DOCTYPE myanimelist><myanimelist/>", "DTDForbidden"),
    "nothing": (b"", "no element found"),
    "nothing, packed": (gzip.compress(b""), "no element found"),
    "half of a list": (exported(*MINE)[:-100], "unclosed token"),
    "half of a packed list": (PACKED[: len(PACKED) // 2], "ended before the end-of-stream marker"),
    "what only begins as packed": (b"\x1f\x8bnonsense", "compression method"),
    "a packed list with a bit turned": (
        PACKED[:30] + bytes([PACKED[30] ^ 255]) + PACKED[31:],
        "",
    ),
    "JSON": (b'{"1": 10}', "not well-formed"),
    "an encoding that nobody knows": (
        b'<?xml version="1.0" encoding="x-nonsense"?><a/>',
        "nonsense",
    ),
    "an encoding of several bytes": (b'<?xml version="1.0" encoding="gb2312"?><a/>', "multi-byte"),
    "another document": (b"<html><body/></html>", "its root is <html>, not <myanimelist>"),
    "an id that is none": (exported(("x", 10, "Completed")), "an anime has the id 'x'"),
    "no id": (exported(("", 10, "Completed")), "an anime has the id ''"),
    "an id too large": (exported(("9" * 10, 10, "Completed")), "an anime has the id '9999999999'"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_list_is_said_in_a_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.xml"
    content, reason = BROKEN[kind]
    path.write_bytes(content)
    # Nobody listens: the file is read before the database is asked.
    status, rows, said = recommend(path, "host=127.0.0.1 port=9 dbname=x")
    assert (status, rows) == (1, "")
    error, hint = said.splitlines()
    assert error.startswith(f"error: {path} cannot be read as a list of MyAnimeList:")
    assert reason in error
    assert hint.startswith("hint:  Export it at https://myanimelist.net/panel.php?go=export")


def test_a_gzip_bomb_is_not_unpacked_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "list.xml.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"<myanimelist>")
        for _megabyte in range(MOST_BYTES // 2**20 + 1):
            file.write(b" " * 2**20)
    status, rows, said = recommend(path, "host=127.0.0.1 port=9 dbname=x")
    assert (status, rows) == (1, "")
    error, hint = said.splitlines()
    assert error.endswith("it unpacks to more than 100 MB")
    assert hint.startswith("hint:  Export it at")


@pytest.mark.parametrize("entries", [[], MINE[1:]])
def test_a_list_without_a_score(tmp_path: Path, entries: list[tuple[object, object, str]]) -> None:
    path = tmp_path / "list.xml"
    path.write_bytes(exported(*entries))
    status, rows, said = recommend(path, "host=127.0.0.1 port=9 dbname=x")
    assert (status, rows) == (1, "")
    assert said.startswith(f"error: no completed anime of {path} has a score")
    assert "name what you liked: pgjikan recommend MAL_ID" in said


def test_a_list_without_a_taste(database: str, tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    path.write_bytes(exported((1, 4, "Completed"), *MINE[1:]))
    status, rows, said = recommend(path, database)
    assert (status, rows) == (1, "")
    assert said == (
        "error: scores must hold at least one title scored above 5\n"
        "hint:  Without a taste to go by, order anime.catalog by score.\n"
    )


@pytest.mark.parametrize("more", [["1"], ["--disliked", "1"]])
def test_a_list_goes_alone(tmp_path: Path, more: list[str]) -> None:
    path = tmp_path / "list.xml"
    path.write_bytes(exported(*MINE))
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from pgjikan.cli import main; main()"),
            *("recommend", "--mal-list", str(path), *more),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--mal-list alone" in done.stderr
