"""What the page asks the database: views and functions, one literal each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

#: The parts of the page that follow every change.
PULSE: Mapping[str, LiteralString] = {
    "health": "SELECT h.* FROM anime.health AS h",
    "facets": "SELECT f.* FROM jikan_sync.status_facet AS f",
    "queue": "SELECT q.* FROM jikan_sync.status_queue AS q ORDER BY q.lane, q.priority, q.task",
    "providers": "SELECT p.* FROM jikan_sync.provider_status AS p ORDER BY p.rank",
    "models": "SELECT e.* FROM jikan_sync.status_embedding AS e ORDER BY e.status, e.model",
    "embedders": "SELECT e.* FROM jikan_sync.status_embedding_provider AS e ORDER BY e.name",
    "jobs": "SELECT j.* FROM jikan_sync.status_job AS j ORDER BY j.name",
    "errors": "SELECT e.* FROM jikan_sync.status_error AS e ORDER BY e.at DESC LIMIT 12",
    "dead": "SELECT d.id, d.task, d.mal_id, d.payload ->> 'query_key' AS query_key, d.died_at, "
    "d.attempts, d.reason, d.message FROM jikan_sync.dead_letter AS d "
    "ORDER BY d.died_at DESC LIMIT 50",
}

#: The parts that draw time; slower to change.
TREND: Mapping[str, LiteralString] = {
    "depth": "SELECT d.lane, d.priority, min(d.at) AS from_at, max(d.at) AS to_at, "
    "array_agg(d.task_count ORDER BY d.at) AS counts "
    "FROM jikan_sync.queue_depth(span => '30 minutes', step => '15 seconds') AS d "
    "GROUP BY d.lane, d.priority ORDER BY d.lane DESC, d.priority",
    "requests": "SELECT r.* FROM jikan_sync.status_request AS r ORDER BY r.hour",
}

#: A search that may go upstream, and one that only reads.
SEARCH: LiteralString = "SELECT s.* FROM anime.search(query => %(query)s, max_rows => 30) AS s"
SEARCH_CACHED: LiteralString = (
    "SELECT s.* FROM anime.search_cached(query => %(query)s, max_rows => 30) AS s"
)
SEARCH_STATUS: LiteralString = "SELECT s.* FROM anime.search_status(query => %(query)s) AS s"

REDRIVE: LiteralString = "SELECT jikan_sync.redrive(ids => %(ids)s) AS count"
