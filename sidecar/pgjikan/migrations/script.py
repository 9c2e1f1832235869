"""A script, cut into the statements that psql would send, and what is known of its transaction.

psql is what stock sqitch runs scripts with, so a script must mean the same here: outside
BEGIN … COMMIT every statement is a transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import psycopg

from pgjikan.errors import PgjikanError

TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | [eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<parenthesis>[()])
    | (?P<end>;)
    | (?P<meta>\\[a-zA-Z!?;]\w*)
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE = re.compile(r"/\*|\*/")
ROUTINE = re.compile(r"create(?: or replace)? (?:function|procedure)")
IN_BLOCK = re.compile(r"inline_code_block line (\d+)")


#: What a statement does to the transaction around it; `other` is what is more than begin and end.
Control = Literal["begin", "commit", "rollback", "other"]


class ScriptError(PgjikanError):
    """A script that the server refused, with the place in the file that it refused."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with its semicolon, where in the file it stands, and its first words."""

    offset: int
    text: str
    words: tuple[str, ...]

    @property
    def control(self) -> Control | None:
        """What it does to the transaction around it; None for a statement like any other."""
        match self.words:
            case ("begin", *_) | ("start", "transaction", *_):
                return "begin"
            case ("commit" | "end",) | ("commit" | "end", "work" | "transaction"):
                return "commit"
            case ("rollback" | "abort",) | ("rollback" | "abort", "work" | "transaction"):
                return "rollback"
            case ("rollback", "to", *_) | ("rollback", "work" | "transaction", "to", *_):
                return None  # to a savepoint: the transaction goes on
            case ("commit" | "end" | "rollback" | "abort", *_) | ("prepare", "transaction", *_):
                return "other"
        return None


@dataclass(frozen=True)
class Script:
    """A script's text under the name that errors give it."""

    name: str
    text: str

    @cached_property
    def statements(self) -> list[Statement]:
        """Its statements, in order. Raises ScriptError at a command of psql."""
        return list(statements(self.text, self.name))

    @property
    def is_transaction(self) -> bool:
        """Whether all of it is one transaction, from its first statement to its last."""
        controls = [statement.control for statement in self.statements]
        return (
            len(controls) > 1
            and controls[0] == "begin"
            and controls[-1] in ("commit", "rollback")
            and not any(controls[1:-1])
        )

    def blame(self, statement: Statement, error: psycopg.Error) -> ScriptError:
        """Say where in the file the server stopped, as near as it told."""
        diag = error.diag
        place = f"{self.name}:{_line_of(self.text, statement.offset)}"
        if diag.statement_position:
            offset = statement.offset + int(diag.statement_position) - 1
            column = offset - self.text.rfind("\n", 0, offset)
            place = f"{self.name}:{_line_of(self.text, offset)}:{column}"
        elif block := IN_BLOCK.search(diag.context or ""):
            body = statement.offset + statement.text.find("$")
            place = f"{self.name}:{_line_of(self.text, body) + int(block[1]) - 1}"
        code = f" ({error.sqlstate})" if error.sqlstate else ""
        parts = [f"{place}: {diag.message_primary or error}{code}"]
        parts += [f"DETAIL: {diag.message_detail}"] if diag.message_detail else []
        parts += [f"HINT: {diag.message_hint}"] if diag.message_hint else []
        if diag.context and not diag.statement_position:
            parts.append(f"CONTEXT: {diag.context}")
        return ScriptError("\n".join(parts), hint="mend the script")


def read_script(file: Path, name: str) -> Script:
    """The script in `file`, to be called `name` in errors."""
    try:
        return Script(name, file.read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"cannot read {name}: {error}", hint="it is UTF-8 text") from error


def statements(text: str, name: str) -> Iterator[Statement]:
    """The statements of a script, cut where psql cuts them."""
    position = start = parentheses = blocks = 0
    words: list[str] = []  # the first four of the statement: they tell a routine,
    is_routine = False  # whose BEGIN ATOMIC … END may hold semicolons
    is_empty = True
    while position < len(text):
        token = TOKEN.match(text, position)
        assert token is not None  # its last branch takes any character
        before, position = position, token.end()
        if token["comment"]:
            position = _comment_end(text, position)
        elif token["blank"]:
            continue
        elif token["end"] and parentheses <= 0 and blocks == 0:
            if not is_empty:
                yield Statement(start, text[start:position], tuple(words))
            parentheses, words, is_routine, is_empty = 0, [], False, True
        elif token["meta"]:
            raise ScriptError(
                f"{name}:{_line_of(text, before)}: {token['meta']} is a command of psql, not SQL",
                hint="scripts hold server SQL only, so that any runner can execute them",
            )
        else:
            if is_empty:
                start, is_empty = before, False
            if token["dollar"]:
                close = text.find(token["dollar"], position)
                position = len(text) if close < 0 else close + len(token["dollar"])
            elif token["parenthesis"]:
                parentheses += 1 if token["parenthesis"] == "(" else -1
            elif token["word"]:
                word = token["word"].lower()
                if len(words) < 4:
                    words.append(word)
                    is_routine = is_routine or ROUTINE.fullmatch(" ".join(words)) is not None
                if is_routine and parentheses == 0:
                    blocks += word == "begin" or (word == "case" and blocks > 0)
                    blocks -= word == "end" and blocks > 0
    if not is_empty:
        yield Statement(start, text[start:], tuple(words))


def _comment_end(text: str, position: int) -> int:
    """Past the end of a block comment; they nest."""
    depth = 1
    while depth:
        edge = COMMENT_EDGE.search(text, position)
        if edge is None:
            return len(text)
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return position


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
