"""Jikan documents in a file, however they are laid out, in batches of JSON, one value a line."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import IO, cast

from pgjikan.client.text import storable
from pgjikan.errors import PgjikanError

#: Bytes of JSON in a batch: large enough to be set-based, small enough to show progress.
BATCH_BYTES = 1_500_000
#: Characters of the largest value that is read, a whole response of some thousand documents.
MAX_VALUE = 16_000_000

#: What reading a file that is cut short or damaged raises.
UNREADABLE = (OSError, EOFError, zlib.error)

_CHUNK = 262_144
_AHEAD = 100  # characters that show what a value is
_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = re.compile(r"[\s,\[\]]*")
_PAGE = re.compile(r'\{\s*"data"\s*:\s*\[')
_IN_PAGE = re.compile(r"[\s,]*")
_PAGE_START = '{"data": ['
_DECODER = json.JSONDecoder()


def open_documents(source: Path) -> IO[bytes]:
    """Open a file of documents; one that is zipped tells by its first bytes. Raises OSError."""
    with source.open("rb") as file:
        is_zipped = file.read(2) == _GZIP
    return cast(IO[bytes], gzip.open(source)) if is_zipped else source.open("rb")


@dataclass(frozen=True, slots=True)
class Batch:
    """Values, each on a line, and the number that each one's line has in the file."""

    text: str
    numbers: Sequence[int]


def batches(file: IO[bytes]) -> Iterator[Batch]:
    r"""The values in ``file``, about ``BATCH_BYTES`` at a time, each on a line of its own.

    One value a line is what bulk files have, and the fast way. An array, a whole response and
    values over many lines are taken apart, so that memory does not grow with the file. What text
    in PostgreSQL cannot hold (a NUL, half a surrogate pair, bytes that are no UTF-8) becomes
    U+FFFD: one bad character costs no document.
    Raises PgjikanError where the file is no JSON, after the batches before that place.
    """
    head = b""
    number = 0
    while not head.strip():
        number += 1
        head = file.readline(BATCH_BYTES)
        if not head:
            return
    if head.startswith(_UTF16):
        raise PgjikanError("the file is UTF-16", hint="iconv -f UTF-16 -t UTF-8 FILE")
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _is_value_a_line(head):
        yield from _lines(head, file, number)
    else:
        yield from _joined(_values(_Window(head, file, number)))


def _lines(head: bytes, file: IO[bytes], number: int) -> Iterator[Batch]:
    lines, size = [head], len(head)
    broken: Exception | None = None
    while lines:
        try:
            while size < BATCH_BYTES and (line := file.readline()):
                lines.append(line)
                size += len(line)
        except UNREADABLE as error:
            broken = error
        yield Batch(_text(b"".join(lines)), range(number, number + len(lines)))
        number += len(lines)
        if broken:
            raise _unreadable(number, broken)
        # A batch that is full has more behind it, perhaps.
        lines, size = ([], 0) if size < BATCH_BYTES else _next_line(file, number)


def _next_line(file: IO[bytes], number: int) -> tuple[list[bytes], int]:
    try:
        line = file.readline()
    except UNREADABLE as error:
        raise _unreadable(number, error) from None
    return [line] if line else [], len(line)


def _unreadable(number: int, error: Exception) -> PgjikanError:
    return PgjikanError(
        f"cannot read line {number} and what follows: {error}", hint="Is it a whole file?"
    )


def _is_value_a_line(line: bytes) -> bool:
    """Whether a file that begins with this line has whole values on its lines, bad ones perhaps."""
    text = _text(line).strip()
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError as error:
        # A value over many lines lacks something at the end of a line, a bad one before it.
        at_end = isinstance(error, json.JSONDecodeError) and error.pos >= len(text)
        return not at_end and line.endswith(b"\n")
    return True


def _text(raw: bytes) -> str:
    return storable(raw.decode("utf-8", errors="replace").replace("\0", "\ufffd"))


def _joined(values: Iterator[tuple[int, str]]) -> Iterator[Batch]:
    lines: list[str] = []
    numbers: list[int] = []
    size = 0
    try:
        for number, value in values:
            lines.append(value)
            numbers.append(number)
            size += len(value)
            if size >= BATCH_BYTES:
                yield Batch("\n".join(lines), numbers)
                lines, numbers, size = [], [], 0
    except PgjikanError:
        if lines:
            yield Batch("\n".join(lines), numbers)
        raise
    if lines:
        yield Batch("\n".join(lines), numbers)


class _Window:
    """The part of a file that is looked at: it grows at its end and is cut at its start."""

    def __init__(self, head: bytes, file: IO[bytes], line: int) -> None:
        self.text = ""
        self._file = file
        self._undecoded = head
        self.line = line
        self._broken: Exception | None = None
        self.read()

    def read(self) -> bool:
        """Read on, more the longer the window is; False at the end of the file."""
        chunk = self._chunk(max(_CHUNK, len(self.text)))
        raw = self._undecoded + chunk
        # The chunk may end within a character, and within an escape that `storable` looks at.
        cut = max(raw.rfind(b"\n"), raw.rfind(b" "), raw.rfind(b",")) + 1 if chunk else len(raw)
        self._undecoded = raw[cut:]
        self.text += _text(raw[:cut])
        return bool(raw)

    def _chunk(self, size: int) -> bytes:
        """What can be read of the next bytes; where none can any more, raise."""
        parts: list[bytes] = []
        while size > 0 and self._broken is None:
            try:
                part = cast(BufferedIOBase, self._file).read1(size)
            except UNREADABLE as error:
                self._broken = error
                break
            if not part:
                break
            parts.append(part)
            size -= len(part)
        if self._broken and not parts:
            raise _unreadable(self.line, self._broken)
        return b"".join(parts)

    def cut(self, end: int) -> str:
        """Take the beginning out of the window."""
        taken, self.text = self.text[:end], self.text[end:]
        self.line += taken.count("\n")
        return taken

    def fault(self, reason: str) -> PgjikanError:
        return PgjikanError(
            f"no JSON from line {self.line} on: {reason}",
            hint="What is there is no whole object; was the file cut short?",
        )


def _values(window: _Window) -> Iterator[tuple[int, str]]:
    """The objects of a file whose arrays, and whose responses' data, are read piece by piece."""
    depth = 0
    in_page = False
    while True:
        separators = _IN_PAGE if in_page else _SEPARATORS
        while True:
            skipped = window.cut(cast(re.Match[str], separators.match(window.text)).end())
            depth += skipped.count("[") - skipped.count("]")
            # Enough to see what comes, and no separators first.
            if (len(window.text) >= _AHEAD and not skipped) or not window.read():
                break
        if not window.text:
            if depth or in_page:
                raise window.fault("the file ends too early")
            return
        if in_page and window.text[0] == "]":
            # What a response has after its data: with what it had before, an object again.
            window.text = _PAGE_START + window.text
            _object(window)
            in_page = False
        elif not in_page and depth == 0 and (page := _PAGE.match(window.text)):
            window.cut(page.end())
            in_page = True
        else:
            line = window.line
            yield line, _object(window)


def _object(window: _Window) -> str:
    while True:
        try:
            _, end = _DECODER.raw_decode(window.text)
        except RecursionError:
            raise window.fault("nested too deep") from None
        except ValueError as error:
            if len(window.text) > MAX_VALUE:
                raise window.fault(f"a value of more than {MAX_VALUE} characters") from None
            if not window.read():
                raise window.fault(str(getattr(error, "msg", error))) from None
        else:
            return window.cut(end).replace("\n", " ").replace("\r", " ")
