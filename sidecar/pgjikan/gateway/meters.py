"""What a gateway counts for Prometheus, over all its processes."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.values import ValueClass

REQUESTS = Counter(
    "pgjikan_gateway_requests", "Requests answered.", ["resource", "status", "cache"]
)
KEPT = Counter("pgjikan_gateway_kept", "Requests answered without asking the database.")
SECONDS = Histogram(
    "pgjikan_gateway_request_seconds",
    "Time to answer a request, waits for misses included.",
    ["resource"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
WAITING = Gauge(
    "pgjikan_gateway_waiting", "Misses that are waited for.", multiprocess_mode="livesum"
)
SESSIONS = Gauge(
    "pgjikan_gateway_sessions",
    "Sessions with the database, idle ones, and requests that queue for one.",
    ["state"],
    multiprocess_mode="livesum",
)

WISHES = Counter(
    "pgjikan_gateway_wishes",
    "What a standby lacked: told to the primary, dropped (too many waited for it), failed (the "
    "primary could not answer it), or nowhere to be told (no primary is named).",
    ["outcome"],
)
WISHES_WAITING = Gauge(
    "pgjikan_gateway_wishes_waiting",
    "What the primary has yet to be told.",
    multiprocess_mode="livesum",
)

#: First words of paths; anything else is one resource, or who asks could fill the memory.
RESOURCES = frozenset(
    {
        "anime", "top", "seasons", "schedules", "genres", "random", "recommendations", "reviews",
        "manga", "characters", "people", "producers", "magazines", "clubs", "users", "watch",
    }
)  # fmt: skip


def page() -> tuple[bytes, str]:
    """The metrics as text, and its content type."""
    registry = REGISTRY
    if ValueClass.__name__ == "MmapedValue":  # several processes share files
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def forget(pid: int) -> None:
    """Count a process that died no more among those that live."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
