"""Run a script as psql would: statement by statement, in a session of its own.

psql is what stock sqitch runs scripts with, so a script must mean the same here: outside
BEGIN … COMMIT every statement is a transaction, and nothing a script sets outlives it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
from psycopg.pq import TransactionStatus

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


class ScriptError(PgjikanError):
    """A script that the server refused, with the place in the file that it refused."""


def statements(text: str, name: str) -> Iterator[tuple[int, str]]:
    """The statements of a script with their offsets, cut where psql cuts them."""
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
                yield start, text[start:position]
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
        yield start, text[start:]


def run_script(
    conninfo: str, file: Path, name: str, on_notice: Callable[[str], None] | None = None
) -> None:
    """Execute `file`; a failure is told by `name`, line, column and the server's own words."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"cannot read {name}: {error}", hint="it is UTF-8 text") from error
    connection = psycopg.connect(conninfo, autocommit=True, client_encoding="utf8")
    with closing(connection):  # not psycopg's own `with`, which would commit what is left open
        if on_notice is not None:
            connection.add_notice_handler(
                lambda notice: on_notice(f"{notice.severity}: {notice.message_primary}")
            )
        for start, statement in statements(text, name):
            try:
                connection.execute(statement.encode())
            except psycopg.Error as error:
                raise _explain(error, name, text, start, statement) from error
        if connection.info.transaction_status != TransactionStatus.IDLE:
            raise ScriptError(
                f"{name} ends inside a transaction, so it changed nothing",
                hint="end it with COMMIT, a verify script with ROLLBACK",
            )


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


def _explain(error: psycopg.Error, name: str, text: str, start: int, statement: str) -> ScriptError:
    """Say where in the file the server stopped, as near as it told."""
    diag = error.diag
    place = f"{name}:{_line_of(text, start)}"
    if diag.statement_position:
        offset = start + int(diag.statement_position) - 1
        place = f"{name}:{_line_of(text, offset)}:{offset - text.rfind(chr(10), 0, offset)}"
    elif block := IN_BLOCK.search(diag.context or ""):
        body = start + statement.find("$")
        place = f"{name}:{_line_of(text, body) + int(block[1]) - 1}"
    code = f" ({error.sqlstate})" if error.sqlstate else ""
    parts = [f"{place}: {diag.message_primary or error}{code}"]
    parts += [f"DETAIL: {diag.message_detail}"] if diag.message_detail else []
    parts += [f"HINT: {diag.message_hint}"] if diag.message_hint else []
    parts += [f"CONTEXT: {diag.context}"] if diag.context and not diag.statement_position else []
    return ScriptError("\n".join(parts), hint="mend the script")
