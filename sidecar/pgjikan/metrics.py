"""Metrics for Prometheus and health checks over HTTP, read from the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pgjikan.connection import connect
from pgjikan.errors import PgjikanError

#: A scrape that takes longer is given up, so that scrapes cannot pile up on a slow database.
LIMITS = {"statement_timeout": "10s"}


class DatabaseCollector(Collector):
    """What this process counts, and what `jikan_sync.metric()` says of the database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def collect(self) -> Iterator[Metric]:
        """Read every metric; of the database only `pgjikan_up 0` when it does not answer."""
        yield from REGISTRY.collect()
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        up = 1.0
        try:
            with connect(self._dsn, "pgjikan metrics", settings=LIMITS) as connection:
                for name, help_text, labels, value in connection.execute(
                    "SELECT m.name, m.help, m.labels, m.value FROM jikan_sync.metric() AS m"
                ):
                    if name not in families:
                        kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
                        families[name] = kind(name, help_text, labels=list(labels))
                    families[name].add_metric([str(text) for text in labels.values()], value)
        except psycopg.Error:
            families.clear()
            up = 0.0
        yield GaugeMetricFamily("pgjikan_up", "Whether the database answered.", value=up)
        yield from families.values()


class _Server(ThreadingMixIn, WSGIServer):
    """Answers /healthz while a scrape waits for the database."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the sidecar's log is for its work."""


def serve(host: str, port: int, dsn: str) -> WSGIServer:
    """Serve /metrics, /healthz and /readyz in a thread of its own, until the server's shutdown.

    /healthz says that the process lives, /readyz that the database answers and has our schema.
    Raises PgjikanError when the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(DatabaseCollector(dsn))
    metrics = make_wsgi_app(registry)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path not in {"/healthz", "/readyz"}:
            page: Iterable[bytes] = metrics(environ, start_response)
            return page
        fault = find_fault(dsn) if path == "/readyz" else None
        status = "503 Service Unavailable" if fault else "200 OK"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{fault or 'ok'}\n".encode()]

    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise PgjikanError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="Give another --metrics-port."
        ) from None
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def find_fault(dsn: str) -> str | None:
    """Why a sidecar could not work on this database; None when it can."""
    try:
        with connect(dsn, "pgjikan readyz", settings=LIMITS) as connection:
            row = connection.execute(
                "SELECT pg_catalog.to_regproc('jikan_sync.claim_request') IS NOT NULL"
            ).fetchone()
    except psycopg.Error:
        return "the database does not answer"
    return None if row == (True,) else "the schema is not deployed: pgjikan deploy"
