"""What deploy, verify and revert print while they work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.console import Console
from rich.text import Text

from pgjikan import migrations


class ConsoleReporter(migrations.Reporter):
    """One line a change: its name as it starts, the outcome and the time as it ends."""

    SIGNS: ClassVar[Mapping[str, str]] = {"deploy": "+", "revert": "-", "verify": "*"}

    def __init__(self, verbose: bool) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self.verbose = verbose
        self.action: migrations.Action = "deploy"
        self.remarks: list[str] = []
        self.in_step = False

    def message(self, text: str) -> None:
        """Print it, or keep it until the running line is complete."""
        if self.in_step:
            self.remarks.append(text)
        else:
            self.console.print(Text(text))

    def begin(self, action: migrations.Action, title: str) -> None:
        """The first half of the line."""
        self.action, self.in_step = action, True
        self.console.print(Text(f"  {self.SIGNS[action]} {title} "), end="")

    def notice(self, text: str) -> None:
        """Shown to whoever asked for it."""
        if self.verbose:
            self.message(text)

    def end(self, milliseconds: float, error: Exception | None) -> None:
        """The second half, and what came up meanwhile."""
        outcome = Text("FAILED", "bold red") if error else Text("ok", "green")
        self.console.print(outcome, Text(f"{milliseconds:.0f} ms", "dim"))
        self.in_step = False
        if error and self.action == "verify":
            self.remarks.append(str(error))
        for remark in self.remarks:
            self.console.print(Text(remark), style="yellow")
        self.remarks.clear()
