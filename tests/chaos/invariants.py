"""What must hold after any run: each check answers the rows that violate it, none when all is well.

The database is asked for what it holds, the evidence for what the upstreams and the processes saw.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.evidence import Evidence
from tests.chaos.schedule import EXPLAINED, SIDECARS
from tests.embedders.gemini_server import vector_of

Connection = psycopg.Connection[Any]
Rows = list[dict[str, Any]]

#: Notes every row of the mirror that went back to an older state (the simulator's `members`).
WITNESS = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.went_back (mal_id integer, state integer, older_state integer);
CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO chaos.went_back VALUES (NEW.mal_id, OLD.members, NEW.members);
    RETURN NULL;
END;
$$;
CREATE TRIGGER chaos_note AFTER UPDATE ON jikan.anime
FOR EACH ROW WHEN (NEW.members < OLD.members) EXECUTE FUNCTION chaos.note();
"""


def unfinished_tasks(connection: Connection, evidence: Evidence) -> Rows:
    """Every task is done, or dead with a reason; every wish that was acknowledged came true."""
    found = _rows(
        connection,
        "SELECT 'still queued' AS what, q.dedupe_key AS subject, q.ready_at, q.leased_by, q.errors"
        " FROM jikan_sync.queue AS q",
    )
    found += _rows(
        connection,
        "SELECT 'dead without a reason' AS what, d.dedupe_key AS subject"
        " FROM jikan_sync.dead_letter AS d"
        " WHERE d.reason = '' OR d.message = '' OR d.errors = '[]'",
    )
    found += _rows(
        connection,
        "SELECT 'a run that never ended' AS what, r.kind || ' ' || r.id AS subject"
        " FROM jikan_sync.sync_run AS r WHERE r.state = 'running'",
    )
    return found + _rows(
        connection,
        "WITH ended AS ("
        "   SELECT jikan_sync.task_key(h.task, h.mal_id, NULL, h.payload) AS subject,"
        "       max(h.id) AS id"
        "   FROM jikan_sync.queue_history AS h WHERE h.outcome IN ('done', 'dead') GROUP BY 1)"
        " SELECT 'a wish forgotten' AS what, w.subject"
        " FROM unnest(%s::text[], %s::bigint[]) AS w (subject, after)"
        " LEFT JOIN ended AS e USING (subject)"
        " WHERE e.id IS NULL OR e.id <= w.after",
        [wish.subject for wish in evidence.wishes],
        [wish.after for wish in evidence.wishes],
    )


def anime_twice(connection: Connection, evidence: Evidence) -> Rows:
    """No anime is there twice, none that no upstream has, none is lost."""
    counts = Counter(
        row["mal_id"] for row in _rows(connection, "SELECT a.mal_id FROM jikan.anime AS a")
    )
    found: Rows = [
        {"mal_id": mal_id, "times": times} for mal_id, times in counts.items() if times > 1
    ]
    found += [{"mal_id": m, "times": 1, "upstream": 0} for m in counts.keys() - evidence.states]
    return found + [{"mal_id": m, "times": 0} for m in evidence.states.keys() - counts.keys()]


def wrong_vectors(connection: Connection, evidence: Evidence) -> Rows:
    """Every title has one vector of the active model: that of its text as it is now."""
    found: Rows = []
    rows = _rows(
        connection,
        "SELECT a.mal_id, jikan_sync.embedding_input(a) AS text, m.dimensions,"
        "   md5(jikan_sync.embedding_input(a))::uuid AS hash, e.input_hash,"
        "   e.embedding::text AS vector"
        " FROM jikan.anime AS a"
        " INNER JOIN jikan.embedding_model AS m ON m.status = 'active'"
        " LEFT JOIN jikan.embedding AS e ON e.anime_id = a.id AND e.model_id = m.id"
        " WHERE NOT EXISTS (SELECT FROM jikan_sync.dead_letter AS d"
        "   WHERE d.anime_id = a.id AND d.task = 'embed')",
    )
    for row in rows:
        if row["input_hash"] != row["hash"]:
            found.append({"mal_id": row["mal_id"], "hash": row["input_hash"], "of": row["hash"]})
        elif not _is_vector_of(row["text"], row["dimensions"], row["vector"]):
            found.append({"mal_id": row["mal_id"], "vector": row["vector"][:60]})
    return found


def overwritten_states(connection: Connection, evidence: Evidence) -> Rows:
    """No newer state of a title was overwritten by an older, and the newest stands."""
    found = _rows(connection, "SELECT w.* FROM chaos.went_back AS w")
    for row in _rows(connection, "SELECT a.mal_id, a.members FROM jikan.anime AS a"):
        newest = evidence.states.get(row["mal_id"])
        if newest is not None and row["members"] != newest:
            found.append(row | {"newest": newest})
    return found


def leases_of_the_dead(connection: Connection, evidence: Evidence) -> Rows:
    """No lease is longer than its term, nor there three sweeps after its end."""
    return evidence.bad_leases


def limits_exceeded(connection: Connection, evidence: Evidence) -> Rows:
    """As an upstream counts: no stretch of time holds more requests than it allows.

    A clock that jumps makes the limiter believe that time went by, and it cannot know better: each
    jump may cost the request that each sidecar holds.
    """
    found: Rows = []
    for window in evidence.windows:
        times = sorted(evidence.arrivals.get(window.upstream, []))
        for place, start in enumerate(times):
            end = start + window.seconds
            count = bisect.bisect_left(times, end) - place
            jumps = sum(start - window.seconds <= jump <= end for jump in evidence.jumps)
            if count > window.allowed + jumps * SIDECARS:
                found.append(
                    {"upstream": window.upstream, "at": start, "seconds": window.seconds}
                    | {"requests": count, "allowed": window.allowed}
                    | {"during": [w for w, a, b in evidence.weather if a <= end and b >= start]}
                )
    return found


#: Seconds after which an answer may come too late: half of what the sidecars wait, since the
#: machine that makes an upstream slow holds them up too.
LATE = 1.0


def paid_twice(connection: Connection, evidence: Evidence) -> Rows:
    """A kill, a jump of the clock or a bug of the stage wastes one paid request at most.

    A bug is in the storing of what was paid for. What an upstream answers when nobody waits any
    more is a bill too, and no sidecar's fault.
    """
    wasted = wasted_calls(evidence)
    found: Rows = []
    for life in evidence.lives:
        end = math.inf if life.ended_at is None else life.ended_at
        jumps = sum(life.started_at <= jump <= end for jump in evidence.jumps)
        bugs = sum(
            kind.startswith("bug") and began <= end and ended >= life.started_at
            for kind, began, ended in evidence.weather
        )
        if wasted[life.number] > life.was_killed + jumps + bugs:
            found.append(
                {"sidecar": life.number, "wasted": wasted[life.number]}
                | {"killed": life.was_killed, "jumps": jumps, "bugs": bugs}
            )
    return found


def wasted_calls(evidence: Evidence) -> Counter[int]:
    """By life: the paid requests of which a text was asked for again later."""
    wasted: Counter[int] = Counter()
    later: set[str] = set()
    for request in sorted(evidence.paid, key=lambda request: -request.at):
        if request.answered_after < LATE:
            wasted[request.life] += bool(later.intersection(request.texts))
        later.update(request.texts)
    return wasted


def deaths_of_their_own(connection: Connection, evidence: Evidence) -> Rows:
    """A sidecar ends when it is killed or told to stop, never by itself."""
    return [
        {"sidecar": life.number, "exit_code": life.exit_code}
        for life in evidence.lives
        if life.exit_code and not life.was_killed
    ]


def complaints(connection: Connection, evidence: Evidence) -> Rows:
    """The server's log, and the jobs', have no error but those that the faults are."""
    seen: dict[str, int] = defaultdict(int)
    for line in evidence.complaints:
        seen[line] += 1
    found: Rows = [{"line": line, "times": times} for line, times in seen.items()]
    return found + _rows(
        connection,
        "SELECT r.job_name, r.sqlstate, r.message, count(*) AS times"
        " FROM jikan_sync.job_run AS r"
        " WHERE r.outcome = 'failed' AND NOT r.sqlstate = ANY (%s) GROUP BY 1, 2, 3",
        sorted(EXPLAINED),
    )


Check = Callable[[Connection, Evidence], Rows]
CHECKS: Mapping[str, Check] = {
    "every task is done, or dead with a reason": unfinished_tasks,
    "no anime twice, none lost": anime_twice,
    "no vector of another text": wrong_vectors,
    "no newer state overwritten by an older": overwritten_states,
    "no lease outlives its term": leases_of_the_dead,
    "no upstream's limit exceeded": limits_exceeded,
    "at most one paid call wasted a kill": paid_twice,
    "no sidecar dies by itself": deaths_of_their_own,
    "no error that no fault explains": complaints,
}


def _rows(connection: Connection, query: str, *values: Any) -> Rows:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values or None).fetchall()


def _is_vector_of(text: str, dimensions: int, vector: str) -> bool:
    wanted = vector_of(text, dimensions)
    length = math.sqrt(sum(value * value for value in wanted))
    kept = [float(value) for value in vector.strip("[]").split(",")]
    return all(abs(a / length - b) < 0.002 for a, b in zip(wanted, kept, strict=True))
