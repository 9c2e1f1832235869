"""A person's list as MyAnimeList exports it: `animelist_….xml` or `.xml.gz`.

The file comes from outside, so what it may cost is bounded: its size, what it unpacks to, the
number of its entries; entities and document types are refused.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from pgjikan.errors import PgjikanError

MOST_BYTES: Final = 100 * 2**20
"""What a list may be, unpacked: MyAnimeList takes about 800 bytes for an anime."""
MOST_ENTRIES: Final = 100_000
_GZIP_MAGIC: Final = b"\x1f\x8b"
_SEEN: Final = {"Completed", "Watching", "On-Hold", "Dropped"}


class Scored(NamedTuple):
    """An anime that the person has seen; no score where it is not finished or not scored."""

    mal_id: int
    score: int | None


def read_mal_list(path: Path) -> list[Scored]:
    """Return what was seen: what is completed with its score, what was begun without.

    What is only planned is not seen. Raises `PgjikanError` where the file is no such list.
    """
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            if is_packed:
                with gzip.open(file) as unpacked:
                    return _read(cast(BinaryIO, unpacked))
            return _read(file)
    except OSError as error:
        # gzip's own error is an OSError too.
        raise _unreadable(path, error.strerror or str(error)) from error
    except (EOFError, zlib.error, ParseError, DefusedXmlException, _NotAListError) as error:
        raise _unreadable(path, str(error) or type(error).__name__) from error
    except (LookupError, ValueError) as error:  # of an encoding that Python does not know
        raise _unreadable(path, str(error)) from error


class _NotAListError(Exception):
    """The file is XML, but no list of anime, or too large."""


class _Bounded:
    """A file that ends with an error after so many bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(min(size, 2**16) if size >= 0 else 2**16)
        self._left -= len(chunk)
        if self._left < 0:
            raise _NotAListError(f"it unpacks to more than {MOST_BYTES // 2**20} MB")
        return chunk


def _read(file: BinaryIO) -> list[Scored]:
    found: dict[int, Scored] = {}
    root: Element | None = None
    depth = 0
    for event, element in iterparse(_Bounded(file), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            depth += 1
            if root is None:
                root = element
                if element.tag != "myanimelist":
                    raise _NotAListError(f"its root is <{element.tag[:40]}>, not <myanimelist>")
            continue
        depth -= 1
        if depth != 1 or root is None:
            continue
        if element.tag == "anime":
            entry = _entry(element)
            if entry is not None:
                found[entry.mal_id] = entry
            if len(found) > MOST_ENTRIES:
                raise _NotAListError(f"it has more than {MOST_ENTRIES:,} anime")
        elif element.tag == "manga":
            raise _NotAListError("it is a list of manga")
        root.clear()  # what was read need not be kept
    return list(found.values())


def _entry(element: Element) -> Scored | None:
    mal_id = (element.findtext("series_animedb_id") or "").strip()
    score = (element.findtext("my_score") or "").strip()
    status = (element.findtext("my_status") or "").strip()
    if not mal_id.isascii() or not mal_id.isdigit() or len(mal_id) > 9 or int(mal_id) == 0:
        raise _NotAListError(f"an anime has the id {mal_id[:40]!r}")
    if status not in _SEEN:
        return None
    is_scored = status == "Completed" and score in {str(n) for n in range(1, 11)}
    return Scored(int(mal_id), int(score) if is_scored else None)


def _unreadable(path: Path, reason: str) -> PgjikanError:
    return PgjikanError(
        f"{path} cannot be read as a list of MyAnimeList: {reason}",
        hint="Export it at https://myanimelist.net/panel.php?go=export and pass the file as it is.",
    )
