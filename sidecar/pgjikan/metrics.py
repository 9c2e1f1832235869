"""Prometheus metrics and a health check over HTTP, read from the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
from prometheus_client import REGISTRY, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pgjikan.errors import PgjikanError
from pgjikan.settings import with_application_name


class DatabaseCollector(Collector):
    """What `jikan_sync.metric()` says, as gauges; the database decides what there is to say."""

    def __init__(self, dsn: str) -> None:
        self._conninfo = with_application_name(dsn, "pgjikan metrics")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read every metric; only `pgjikan_up 0` when the database does not answer."""
        up = GaugeMetricFamily("pgjikan_up", "Whether the database answered.")
        families: dict[str, GaugeMetricFamily] = {}
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                for name, help_text, labels, value in connection.execute(
                    "SELECT m.name, m.help, m.labels, m.value FROM jikan_sync.metric() AS m"
                ):
                    family = families.setdefault(
                        name, GaugeMetricFamily(name, help_text, labels=list(labels))
                    )
                    family.add_metric([str(text) for text in labels.values()], float(value))
            up.add_metric([], 1)
        except psycopg.Error:
            families.clear()
            up.add_metric([], 0)
        yield up
        yield from families.values()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the sidecar's log is for its work."""


def serve(host: str, port: int, dsn: str) -> None:
    """Serve /metrics and /healthz in a thread of its own.

    Raises PgjikanError when the port is taken.
    """
    REGISTRY.register(DatabaseCollector(dsn))
    metrics = make_wsgi_app()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/healthz":
            healthy = _answers(dsn)
            status = "200 OK" if healthy else "503 Service Unavailable"
            start_response(status, [("Content-Type", "text/plain")])
            return [b"ok\n" if healthy else b"the database does not answer\n"]
        page: Iterable[bytes] = metrics(environ, start_response)
        return page

    try:
        server = make_server(host, port, app, handler_class=_QuietHandler)
    except OSError as error:
        raise PgjikanError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="Give another --metrics-port."
        ) from None
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _answers(dsn: str) -> bool:
    try:
        with psycopg.connect(with_application_name(dsn, "pgjikan health")) as connection:
            connection.execute("SELECT 1")
        return True
    except psycopg.Error:
        return False
