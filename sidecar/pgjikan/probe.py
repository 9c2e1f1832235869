"""One request to one provider, through its limiter and reported like any other; stores nothing."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from pgjikan.client import JikanClient, Response
from pgjikan.settings import Settings


def probe(connection: psycopg.Connection[Any], settings: Settings, name: str) -> Response | None:
    """Ask a provider, even a disabled one, for one title; None while it may not be asked."""
    with connection.cursor(row_factory=dict_row) as cursor:
        slot = cursor.execute(
            "SELECT r.*, jikan_sync.mirror_id() AS mirror_id FROM jikan_sync.reserve_request("
            "only_provider => %(name)s, keys => %(keys)s::text[]) AS r",
            {"name": name, "keys": list(settings.server_keys)},
        ).fetchone()
    if slot is None:
        return None
    override = settings.jikan_url if slot["is_first"] else None
    key = settings.server_keys[name] if slot["is_keyed"] else None
    client = JikanClient(
        contact=settings.contact,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        deadline=settings.request_deadline,
        max_bytes=settings.max_body_bytes,
    )
    client.introduce(slot["mirror_id"])
    try:
        response = client.fetch_task(
            "anime",
            "/anime/1/full",
            mal_id=1,
            base_url=str(override.get_secret_value()) if override else slot["base_url"],
            key_header=slot["key_header"],
            key=key.get_secret_value() if key else None,
        )
    finally:
        client.close()
    connection.execute(
        "SELECT jikan_sync.report_request(provider => %(name)s, outcome => %(outcome)s, "
        "task => 'anime', subject => 'anime:1', status => %(status)s, "
        "elapsed_ms => %(elapsed_ms)s, bytes => %(bytes)s, is_keyed => %(is_keyed)s)",
        {
            "name": name,
            "outcome": response.outcome,
            "status": response.status,
            "elapsed_ms": response.elapsed_ms,
            "bytes": response.bytes,
            "is_keyed": slot["is_keyed"],
        },
    )
    return response


def why_not(connection: psycopg.Connection[Any], name: str) -> str:
    """Why a provider is not asked now: when it is asked next, and what it last failed with."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "SELECT s.breaker, s.next_try_at::timestamptz(0)::text AS next_try_at, "
            "s.last_failure, s.last_failure_at::timestamptz(0)::text AS last_failure_at "
            "FROM jikan_sync.provider_status AS s WHERE s.name = %s",
            [name],
        ).fetchone()
    if row is None:
        return "there is no such provider"
    told = "it waits for its turn" if row["breaker"] == "closed" else "its breaker is open"
    if row["next_try_at"]:
        told += f" until {row['next_try_at']}"
    if row["last_failure"]:
        told += f"; it last failed with {row['last_failure']} at {row['last_failure_at']}"
    return told
