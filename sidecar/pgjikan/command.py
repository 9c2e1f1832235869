"""The first step of the command: a Ctrl-C is no traceback, however early it comes."""

from __future__ import annotations


def main() -> None:
    """Read the command line's modules, and run it."""
    try:
        from pgjikan.cli import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
