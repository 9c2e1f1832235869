#!/usr/bin/env python3
"""Make docs/reference/commands.md from the command line and the settings of the environment.

python3 tools/make_commands.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from typer.main import get_command

from pgjikan.cli import app
from pgjikan.cli.options import MAX_INTEGER
from pgjikan.settings import LIBPQ_VARIABLES, Settings

PAGE = Path(__file__).resolve().parent.parent / "docs/reference/commands.md"
HEAD = """\
# Commands and variables

All commands with their options, and all variables of the environment. `pgjikan COMMAND --help` says
the same in a terminal. `--dsn` names the database, as libpq's conninfo or URL; `--json` prints for
a machine to read. Exit codes are in [errors](errors.md).

Made by `tools/make_commands.py` from the commands and settings themselves; do not edit.
"""
VARIABLES = """\
## Variables of the environment

Every process reads them once, at its start; an empty one counts as unset, and an unknown one that
begins with `PGJIKAN_` is named in a warning. What the database decides (freshness, limits, retries)
is no variable but [a setting](internals.md#settings). What docker-compose.yml reads is in
[with Docker](../how-to/docker.md).
"""
OTHERS = (
    ("`DATABASE_URL`", "The database, where `--dsn` does not name one."),
    (
        ", ".join(f"`{name}`" for name in LIBPQ_VARIABLES),
        "libpq's own, where `DATABASE_URL` is not set either. With none of them it is the embedded "
        "server's.",
    ),
    (
        "`XDG_DATA_HOME`",
        "The embedded server's data is in its folder `pgjikan`; without it in "
        "`~/.local/share/pgjikan`, of root always in `/var/lib/pgjikan`.",
    ),
    ("`SQITCH_FULLNAME`, `SQITCH_EMAIL`", "Who deploys, for sqitch's registry."),
)
#: Options that the head of the page explains once.
SHARED = ("--dsn", "--json")
KINDS = {"int": "INTEGER", "float": "NUMBER", "Path": "PATH", "datetime": "TIME"}
#: Bounds that only keep a number within its type.
NO_BOUNDS = (None, MAX_INTEGER, 2**63 - 1)


def page() -> str:
    """The whole page."""
    root = get_command(app)
    return "\n".join([HEAD, *_commands("pgjikan", root), *_variables(root)]).rstrip() + "\n"


def _commands(name: str, command: Any) -> Iterator[str]:
    children = dict(getattr(command, "commands", {}))
    yield f"{'##' if children else '###'} {name}\n"
    if words := list(_words(command)):
        yield f"`{' '.join([name, *words])}`\n"
    told, _, examples = (command.help or "").replace("\b\n", "").partition("Examples:\n")
    told = re.sub(r"\n\n  (?=\w)", "\n* ", told.strip()).replace(":\n* ", ":\n\n* ", 1)
    yield f"{_prose(told)}\n"
    if examples:
        lines = "\n".join(line.strip() for line in examples.strip().splitlines())
        yield f"```sh no-run: from the help of the command\n{lines}\n```\n"
    shared = [one.opts[0] for one in command.params if one.opts[0] in SHARED]
    own = [one for one in command.params if one.opts[0] not in SHARED]
    if own:
        yield from _table(
            ("", "default", "meaning"), [(_option(o), _default(o), _meaning(o)) for o in own]
        )
    if shared:
        yield f"{'Also' if own else 'Takes'} {', '.join(f'`{option}`' for option in shared)}.\n"
    for child, its in sorted(children.items(), key=lambda item: hasattr(item[1], "commands")):
        yield from _commands(f"{name} {child}", its)


def _words(command: Any) -> Iterator[str]:
    for one in command.params:
        if one.param_type_name == "argument":
            word = one.name.upper() + ("…" if one.nargs == -1 else "")
            yield word if one.required else f"[{word}]"


def _option(one: Any) -> str:
    if one.param_type_name == "argument":
        return f"`{one.name.upper()}`"
    names = ", ".join(f"`{name}`" for name in [*one.opts, *one.secondary_opts])
    return names if one.is_flag else names[:-1] + f" {_kind(one)}`"


def _kind(one: Any) -> str:
    if one.metavar:
        return str(one.metavar)
    kind = one.type_descriptor.annotation
    kind = next(iter(get_args(kind)), kind)  # of a list its elements
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(choice.value) for choice in kind)
    return KINDS.get(kind.__name__, "TEXT")


def _default(one: Any) -> str:
    value = one.default.value if isinstance(one.default, Enum) else one.default
    if value in (None, "", []) or one.required:
        return ""
    if isinstance(value, bool):
        names = one.opts if value else one.secondary_opts
        return f"`{names[0]}`" if names else ""
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _meaning(one: Any) -> str:
    said = _prose(" ".join((one.help or "").split()))
    least, most = (None if bound in NO_BOUNDS else bound for bound in (one.min, one.max))
    if least is not None or most is not None:
        said += f" At least {least}." if most is None else f" From {least} to {most}."
    if getattr(one, "multiple", False) and not re.search(r"again|repeatable", said):
        said += " May be given again."
    if one.envvar:
        said += f" Variable: `{one.envvar}`."
    return said


def _variables(root: Any) -> Iterator[str]:
    yield VARIABLES
    fields = [_field(name, field) for name, field in Settings.model_fields.items()]
    yield from _table(("variable", "default", "meaning"), fields)
    yield "Variables in the place of options:\n"
    found: dict[str, tuple[list[str], str]] = {}
    for name, command in _leaves("", root):
        for one in command.params:
            if one.envvar:
                commands, _ = found.setdefault(one.envvar, ([], one.opts[0]))
                commands.append(f"`{name}`")
    yield from _table(
        ("variable", "option", "of"),
        [(f"`{key}`", f"`{option}`", ", ".join(of)) for key, (of, option) in found.items()],
    )
    yield "`PGJIKAN_REGISTRY` counts for `up` and `doctor` too.\n\nOthers:\n"
    yield from _table(("variable", "meaning"), OTHERS)


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    for child, its in getattr(command, "commands", {}).items():
        yield from _leaves(f"{name} {child}".strip(), its)
    if not hasattr(command, "commands"):
        yield name, command


def _field(name: str, field: FieldInfo) -> tuple[str, str, str]:
    alias = field.validation_alias
    names = alias.choices if isinstance(alias, AliasChoices) else [f"PGJIKAN_{name.upper()}"]
    value = field.get_default(call_default_factory=True, validated_data={})
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return (
        ", ".join(f"`{one}`" for one in names),
        "" if value in (None, "", {}) else f"`{shown}`",
        _prose(field.description or "") + _choices(field.annotation),
    )


def _choices(annotation: Any) -> str:
    kinds = [kind for kind in (annotation, *get_args(annotation)) if kind is not NoneType]
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    return f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""


def _table(heads: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    cells = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    yield "".join(f"| {' | '.join(row)} |\n" for row in cells)


def _prose(text: str) -> str:
    """The text with what Markdown would take for its own escaped, but in code and bullets."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [
        re.sub(r"(?!^\* )[*<\[]|(?<!\w)_", r"\\\g<0>", part, flags=re.M) for part in parts[::2]
    ]
    return "".join(parts)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: written")


if __name__ == "__main__":
    main()
