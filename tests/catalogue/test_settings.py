"""A setting that nobody can mean is refused when it is set, and none within its range breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]

#: One call of every rule that reads settings, as a reader, a sidecar and the jobs make it.
USES = (
    "SELECT count(*) FROM anime.search('a show nobody knows')",
    "SELECT anime.get(1), anime.get(987654)",
    "SELECT count(*) FROM anime.similar(1)",
    "SELECT count(*) FROM anime.recommend(liked => '{1}')",
    "SELECT count(*) FROM anime.search_semantic('a quiet story')",
    "SELECT jikan_sync.fold_wishes()",
    "SELECT count(*) FROM jikan_sync.claim_request('w')",
    "SELECT count(*) FROM jikan_sync.reserve_request()",
    "SELECT jikan_sync.report_request('tenrai', 'rate_limited', 'anime', 'anime:1', 429, '1 s')",
    "SELECT jikan_sync.report_request('tenrai', 'upstream_error', 'anime', 'anime:1', 500)",
    "SELECT count(*) FROM jikan_sync.claim_embeddings('w')",
    "SELECT jikan_sync.release_worker('w')",
    "SELECT jikan_sync.run_job(name) FROM jikan_sync.job",
    "SELECT count(*) FROM anime.health",
    "SELECT count(*) FROM jikan_sync.status",
    "SELECT count(*) FROM jikan_sync.metric()",
    "SELECT count(*) FROM jikan_sync.provider_status",
    "SELECT count(*) FROM jikan_sync.estimate_catalogue(10)",
)


def ranged(connection: Connection) -> list[Any]:
    return connection.execute(
        "SELECT name, type, minimum, maximum FROM jikan_sync.setting"
        " WHERE type IN ('number', 'interval') ORDER BY name"
    ).fetchall()


def test_every_number_and_interval_has_a_range(connection: Connection) -> None:
    assert [row for row in ranged(connection) if None in row] == []


def test_what_is_out_of_range_is_refused_with_a_hint(connection: Connection) -> None:
    for name, kind, least, most in ranged(connection):
        beyond = (
            [f"{least} -1 ms", f"{most} 1 ms", "infinity", "-infinity"]
            if kind == "interval"
            else [f"{float(least) - 0.001}", f"{float(most) + 0.001}", "NaN", "infinity"]
        )
        for value in [*beyond, "soon"]:
            with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
                connection.execute(
                    "UPDATE jikan_sync.setting SET value = %s WHERE name = %s", [value, name]
                )
            assert refused.value.diag.message_hint, (name, value)


@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_nothing_breaks_at_the_ends_of_the_ranges(
    connection: Connection, connect: Callable[..., Connection], end: str
) -> None:
    connection.execute(
        "SELECT jikan_sync.store_anime(jsonb_agg(jsonb_build_object('mal_id', n, 'title',"
        " 'Title ' || n)), 'list', jikan_sync.ago('40 days')) FROM generate_series(1, 5) AS n"
    )
    names = [row[0] for row in ranged(connection)]
    for name in names:
        connection.execute(f"UPDATE jikan_sync.setting SET value = {end} WHERE name = %s", [name])
        for use in USES[6:10]:
            connection.execute(use.encode())
    for use in USES:
        connection.execute(use.encode())
    failed = connection.execute(
        "SELECT job_name, message FROM jikan_sync.job_run WHERE outcome = 'failed'"
    ).fetchall()
    assert failed == []


LOSSES = {
    "setting": (
        "DELETE FROM {}",
        "UPDATE {} SET name = 'x' WHERE name = 'wish_max'",
        "INSERT INTO {} (name, value, description) VALUES ('x', '1', 'Read by nothing.')",
        "TRUNCATE {}",
    ),
    "ask_policy": (
        "DELETE FROM {} WHERE outcome = 'not_found'",
        "UPDATE {} SET outcome = 'x' WHERE outcome = 'dead'",
        "TRUNCATE {}",
    ),
    "retry_policy": (
        "DELETE FROM {} WHERE error_class = 'bug'",
        "UPDATE {} SET error_class = 'x' WHERE error_class = 'bug'",
        "TRUNCATE {}",
    ),
}


@pytest.mark.parametrize(
    ("table", "loss"), [(table, loss) for table, losses in LOSSES.items() for loss in losses]
)
def test_what_rules_read_by_name_cannot_be_lost(
    connection: Connection, table: str, loss: str
) -> None:
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refused:
        connection.execute(loss.format(f"jikan_sync.{table}").encode())
    assert refused.value.diag.message_hint
    connection.execute("UPDATE jikan_sync.setting SET value = '9999' WHERE name = 'wish_max'")
    connection.execute("UPDATE jikan_sync.ask_policy SET factor = 3 WHERE outcome = 'dead'")
