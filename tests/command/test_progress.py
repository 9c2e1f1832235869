"""Long work says how far it is, how fast, and how long still."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import TimeRemainingColumn

from pgjikan.cli.load import _size
from pgjikan.cli.progress import counting_bar


def test_a_bar_shows_count_rate_and_time_left() -> None:
    now = 0.0
    bar = counting_bar("pages")
    bar.get_time = lambda: now
    task = bar.add_task("catalogue", total=100, detail="250 titles")
    for _ in range(10):
        now += 2
        bar.advance(task)
    console = Console(file=io.StringIO(), width=120)
    console.print(bar.make_tasks_table(bar.tasks))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "10/100 pages" in shown and "250 titles" in shown
    assert "30/min" in shown  # one in two seconds
    left = next(column for column in bar.columns if isinstance(column, TimeRemainingColumn))
    assert str(left.render(bar.tasks[0])) == "0:03:00"


@pytest.mark.parametrize("name", ["documents.jsonl", "documents.jsonl.gz"])
def test_a_load_knows_how_much_there_is(name: str, tmp_path: Path) -> None:
    text = b'{"mal_id": 1}\n' * 1000
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert _size(tmp_path / name) == len(text)
    assert _size(tmp_path / "nothing.gz") is None
