"""One line per unit of work: JSON for machines, colours for a terminal; never a secret."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from pgjikan.redaction import redacted
from pgjikan.settings import read_settings


def configure(*, level: int = logging.INFO) -> None:
    """Set up structlog on standard output; other libraries speak from WARNING on.

    ``PGJIKAN_LOG_LEVEL`` goes before ``level``.
    Tracebacks name files and lines; what the variables held is left out, whoever renders them.
    """
    settings = read_settings()
    if settings.log_level:
        level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler = logging.StreamHandler(_Output())
    handler.setFormatter(_Formatter("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stdout.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        processors.append(_Redacted(renderer))
    else:
        frames = ExceptionDictTransformer(show_locals=False)
        processors.append(structlog.processors.ExceptionRenderer(frames))
        processors.append(_Redacted(structlog.processors.JSONRenderer(ensure_ascii=False)))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(_Output()),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )


class _Redacted:
    """A renderer's line without secrets."""

    def __init__(self, renderer: structlog.typing.Processor) -> None:
        self._renderer = renderer

    def __call__(
        self,
        logger: structlog.typing.WrappedLogger,
        name: str,
        event: structlog.typing.EventDict,
    ) -> str:
        return redacted(str(self._renderer(logger, name, event)))


class _Formatter(logging.Formatter):
    """The lines of other libraries without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class _Output:
    """Standard output; that nobody reads it, or its disk is full, stops no work."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
