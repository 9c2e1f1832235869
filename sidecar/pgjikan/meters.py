"""What this process counts itself; everything else is asked of the database at each scrape."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUEST_SECONDS = Histogram(
    "pgjikan_sidecar_request_seconds",
    "Time that requests of this sidecar to Jikan providers took.",
    ["provider", "outcome"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 45),
)
TASKS = Counter(
    "pgjikan_sidecar_tasks",
    "Tasks that this sidecar worked on, by what became of them.",
    ["lane", "task", "outcome"],
)
EMBEDDING_SECONDS = Histogram(
    "pgjikan_sidecar_embedding_seconds",
    "Time that requests of this sidecar to embeddings APIs took.",
    ["model", "outcome"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60),
)
EMBEDDING_TOKENS = Counter(
    "pgjikan_sidecar_embedding_tokens",
    "Tokens that this sidecar has had embedded.",
    ["model"],
)
