"""The reference of commands and variables is what the command line and the settings say."""

from __future__ import annotations

import os

from tools.make_commands import PAGE, page


def test_it_is_current() -> None:
    text = page()
    if os.environ.get("PGJIKAN_DOCS_UPDATE"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, (
        f"{PAGE.name}: make it anew: PGJIKAN_DOCS_UPDATE=1 pytest tests/docs, "
        "or python3 tools/make_commands.py"
    )
