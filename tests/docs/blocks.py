"""The fenced blocks of README and docs, and how each kind is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[2]
#: By tools/make_reference.py, from the database.
MADE = ("docs/reference/functions.md", "docs/reference/internals.md")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/**/*.md"))
)
DOCUMENTS = [page for page in PAGES if page not in MADE]
RUNNABLE = ("sql", "sh", "python", "js", "html", "yaml")
#: Blocks that show something: what a query answers, a figure, a piece of another file.
SHOWN = ("text", "mermaid", "json")
FENCE = re.compile(r"^```(?P<lang>\w*) ?(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block; ``result`` is the span of the answer it promises, if it promises one."""

    document: str
    line: int
    lang: str
    info: str
    text: str
    result: tuple[int, int] | None

    @property
    def reason(self) -> str | None:
        """Why it is not run; None when it is."""
        return self.info.removeprefix("no-run:").strip() if "no-run" in self.info else None


def blocks(document: str) -> Iterator[Block]:
    """The blocks of a document in order; a ``text result`` belongs to the block before it."""
    page = (ROOT / document).read_text(encoding="utf-8")
    found = list(FENCE.finditer(page))
    for i, match in enumerate(found):
        if match["info"] == "result":
            continue
        after = found[i + 1] if i + 1 < len(found) else None
        result = after.span("text") if after is not None and after["info"] == "result" else None
        line = page.count("\n", 0, match.start()) + 1
        yield Block(document, line, match["lang"], match["info"], match["text"], result)


def statements(script: str) -> list[str]:
    """The statements of a script; a semicolon ends one at the end of a line, outside of $$."""
    found, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if line.split("--")[0].rstrip().endswith(";") and current.count("$$") % 2 == 0:
            found.append(current.strip())
            current = ""
    return [*found, *([current.strip()] if current.strip() else [])]


def render(cursor: psycopg.Cursor[Any]) -> str:
    """What a query answered, as psql prints it."""
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    rows = [["" if value is None else _text(value) for value in row] for row in cursor]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = [_line(names, widths, " | "), "-+-".join("-" * width for width in widths)]
    lines += [_line(row, widths, " | ") for row in rows]
    return "\n".join(lines) + "\n"


def _line(cells: list[str], widths: list[int], between: str) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return between.join(padded).rstrip()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list):
        return "{" + ",".join(map(_text, value)) + "}"
    return str(value)
