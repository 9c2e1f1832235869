-- Deploy pgjikan:schema/health to pg
-- requires: schema/worker
-- requires: schema/job
-- requires: functions/freshness/is_stale
-- requires: schema/sync_run
-- requires: functions/upstream/sync_run
-- requires: functions/upstream/reserve_request
-- requires: functions/upstream/provider
-- requires: functions/embeddings/embedding_model
-- requires: functions/embeddings/embedding_available
-- requires: functions/store/keep_parts

-- One row that says whether all is well, for an app, a load balancer or a person. A broken part
-- degrades, it does not take down: what is stored is still read. The function has the owner's
-- rights, so that the reader learns the counts and nothing behind them.

BEGIN;

SET LOCAL ROLE jikan_owner;

-- In the order of the vectors' key, so that counting the current ones is a merge of two indexes.
CREATE INDEX anime_embedding_hash_idx
ON jikan.anime (id) INCLUDE (embedding_hash) WHERE removed_at IS null;

-- Those confirmed gone: a few, which a count must leave out whatever the ledger says of them.
CREATE INDEX anime_removed_idx ON jikan.anime (mal_id) WHERE removed_at IS NOT null;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'health_sidecar_silence', '2 minutes', 'interval', '1 second', '30 days',
    'How long no sidecar may have been seen; one ticks every 30 s. Where `pgjikan sidecar --once` '
    'runs on a schedule, set it to somewhat over the time between two runs.'
),
(
    'health_high_wait', '2 minutes', 'interval', '1 second', '30 days',
    'How long a task that a user waits for may have been ready.'
),
(
    'health_coverage', '0.9', 'number', '0', '1',
    'The share of titles that should have a current vector.'
),
(
    'health_stale', '0.2', 'number', '0', '1',
    'The share of titles that may have been stale for over `health_stale_for`.'
),
(
    'health_stale_for', '2 days', 'interval', '0', '366 days',
    'How long a stale title may wait for its refresh before it counts as overdue.'
),
(
    'health_unfetched', '50', 'number', '1', '100000000',
    'How many titles may wait because a facet of theirs was given up or answered 404.'
);

CREATE FUNCTION anime.check_health()
RETURNS TABLE (
    state text,
    reasons text[],
    anime_count bigint,
    fresh_count bigint,
    stale_count bigint,
    pending_count bigint,
    embedding_coverage double precision,
    queue_depth bigint,
    oldest_wait interval,
    oldest_high_wait interval,
    dead_letter_count bigint,
    upstream_available boolean,
    embedding_available boolean,
    sidecar_count bigint,
    sidecar_seen_at timestamptz,
    failing_jobs text[],
    checked_at timestamptz
)
LANGUAGE sql
STABLE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH clock AS MATERIALIZED (
        SELECT jikan_sync.clock_now() AS moment
    ),

    -- What is ready the longest, by an index probe for each kind of task.
    head AS (
        SELECT
            min(h.ready_at) AS ready_at,
            min(h.ready_at) FILTER (WHERE p.priority = 'high') AS high_ready_at
        FROM (
            VALUES
            ('jikan', 'high'),
            ('jikan', 'low'),
            ('embedding', 'high'),
            ('embedding', 'low')
        ) AS p (lane, priority)
        CROSS JOIN clock AS c
        CROSS JOIN LATERAL (
            SELECT q.ready_at
            FROM jikan_sync.queue AS q
            WHERE
                q.lane = p.lane
                AND q.priority = p.priority
                AND q.ready_at <= c.moment
                AND q.lease_token IS null
            ORDER BY q.ready_at, q.id
            LIMIT 1
        ) AS h
    ),

    sidecar AS (
        SELECT
            max(w.seen_at) AS seen_at,
            count(*) FILTER (WHERE w.seen_at >= s.alive_after) AS alive_count,
            coalesce(
                bool_or('jikan' = any(w.lanes)) FILTER (WHERE w.seen_at >= s.alive_after),
                false
            ) AS has_jikan_lane,
            coalesce(
                bool_or('embedding' = any(w.lanes)) FILTER (WHERE w.seen_at >= s.alive_after),
                false
            ) AS has_embedding_lane
        FROM
            jikan_sync.ago(jikan_sync.setting_interval('health_sidecar_silence')) AS s (alive_after)
        LEFT JOIN jikan_sync.worker AS w ON true
    ),

    job AS (
        SELECT coalesce(array_agg(j.name ORDER BY j.name), '{}') AS failing
        FROM jikan_sync.job AS j
        WHERE j.failure_count > 0
    ),

    stale AS (
        SELECT
            count(*) AS stale_count,
            count(*) FILTER (
                WHERE jikan_sync.is_stale(
                    'core', s.status,
                    jikan_sync.later(
                        s.stored_at, jikan_sync.setting_interval('health_stale_for')
                    )
                )
            ) AS overdue_count
        FROM jikan_sync.stale_core() AS s
        WHERE
            NOT EXISTS (
                SELECT FROM jikan.anime AS a
                WHERE a.mal_id = s.mal_id AND a.removed_at IS NOT null
            )
    ),

    -- A facet that nobody gets: given up again and again, for many titles at once.
    unfetched AS (
        SELECT
            string_agg(
                format('%s (%s titles)', g.facet, g.title_count), ', ' ORDER BY g.facet
            ) AS facets
        FROM (
            SELECT
                l.facet,
                count(*) AS title_count
            FROM jikan_sync.ledger AS l
            CROSS JOIN clock AS c
            WHERE
                l.outcome IN ('dead', 'missing')
                AND l.not_before > c.moment
                AND l.not_before < 'infinity'
            GROUP BY l.facet
        ) AS g
        WHERE g.title_count >= jikan_sync.setting_number('health_unfetched')
    ),

    walk AS (
        SELECT
            string_agg(concat_ws(' ', r.kind, r.season, r.year), ', ') FILTER (
                WHERE r.state <> 'finished' AND NOT jikan_sync.is_walking(r)
            ) AS stalled,
            string_agg(
                format(
                    '%s saw %s of %s titles',
                    concat_ws(' ', r.kind, r.season, r.year), r.seen_count, r.total_count
                ), ', '
            ) FILTER (
                WHERE
                r.state = 'finished'
                AND r.seen_count
                < r.total_count * (1 - jikan_sync.setting_number('sync_shortage'))
                AND NOT EXISTS (
                    SELECT
                    FROM jikan_sync.sync_run AS n
                    WHERE
                        n.kind = r.kind
                        AND n.season IS NOT DISTINCT FROM r.season
                        AND n.year IS NOT DISTINCT FROM r.year
                        AND n.finished_at > r.finished_at
                )
            ) AS short
        FROM jikan_sync.sync_run AS r
    ),

    live AS (
        SELECT count(*) AS task_count FROM jikan_sync.queue
    ),

    dead AS (
        SELECT count(*) AS task_count FROM jikan_sync.dead_letter
    ),

    fact AS MATERIALIZED (
        SELECT
            c.moment,
            v.title_count,
            v.coverage,
            stale.stale_count,
            stale.overdue_count,
            live.task_count AS queue_depth,
            dead.task_count AS dead_letter_count,
            sidecar.seen_at,
            sidecar.alive_count,
            sidecar.has_jikan_lane,
            sidecar.has_embedding_lane,
            job.failing,
            unfetched.facets AS unfetched,
            walk.stalled AS stalled_walks,
            walk.short AS short_walks,
            v.title_count - v.current_count AS pending_count,
            c.moment - head.ready_at AS oldest_wait,
            c.moment - head.high_ready_at AS oldest_high_wait,
            jikan_sync.upstream_available() AS has_upstream,
            jikan_sync.embedding_available() AS has_embedding,
            (
                SELECT format('the embedding model %s is gone: switch to another', m.name)
                FROM jikan.embedding_model AS m
                WHERE m.status = 'active' AND m.gone_until IS NOT null
            ) AS gone_model,
            exists(SELECT 1 FROM jikan_sync.clock) AS is_frozen
        FROM clock AS c
        CROSS JOIN head
        CROSS JOIN sidecar
        CROSS JOIN job
        CROSS JOIN stale
        CROSS JOIN unfetched
        CROSS JOIN walk
        CROSS JOIN live
        CROSS JOIN dead
        CROSS JOIN jikan_sync.embedding_coverage(jikan_sync.active_model_id()) AS v
    ),

    verdict AS (
        SELECT
            array_remove(
                ARRAY[
                    CASE WHEN f.title_count = 0 THEN 'no anime is stored' END,
                    CASE WHEN f.seen_at IS null THEN 'no sidecar was ever seen' END,
                    CASE
                        WHEN f.seen_at IS NOT null AND f.alive_count = 0
                            THEN format('no sidecar was seen since %s', f.seen_at)
                    END,
                    CASE
                        WHEN f.alive_count > 0 AND NOT f.has_jikan_lane
                            THEN 'no sidecar works lane jikan'
                    END,
                    CASE
                        WHEN f.alive_count > 0 AND NOT f.has_embedding_lane
                            THEN 'no sidecar works lane embedding'
                    END,
                    CASE
                        WHEN NOT f.has_upstream
                            THEN (
                                SELECT
                                    'no upstream is available: ' || coalesce(
                                        string_agg(
                                            p.name
                                            || coalesce(' last failed with ' || p.last_failure, '')
                                            || coalesce(
                                                ', is asked again at '
                                                || date_trunc('second', p.next_try_at), ''
                                            ), '; ' ORDER BY p.rank
                                        ),
                                        'none is enabled'
                                    )
                                FROM jikan_sync.provider_status AS p
                                WHERE p.enabled
                            )
                    END,
                    CASE WHEN NOT f.has_embedding THEN 'embeddings are not available' END,
                    f.gone_model,
                    CASE
                        WHEN f.oldest_high_wait > jikan_sync.setting_interval('health_high_wait')
                            THEN
                                format(
                                    'what a user waits for has waited %s',
                                    date_trunc('second', f.oldest_high_wait)
                                )
                    END,
                    CASE
                        WHEN f.coverage < jikan_sync.setting_number('health_coverage')
                            THEN format('%s titles are not recommendable yet', f.pending_count)
                    END,
                    CASE
                        WHEN
                            f.overdue_count
                            > f.title_count * jikan_sync.setting_number('health_stale')
                            THEN
                                format(
                                    '%s of %s titles have been stale for over %s',
                                    f.overdue_count,
                                    f.title_count,
                                    jikan_sync.setting_text('health_stale_for')
                                )
                    END,
                    CASE
                        WHEN f.unfetched IS NOT null
                            THEN 'upstreams do not bring: ' || f.unfetched
                    END,
                    CASE
                        WHEN f.stalled_walks IS NOT null
                            THEN 'walks stand still: ' || f.stalled_walks
                    END,
                    CASE
                        WHEN f.short_walks IS NOT null
                            THEN 'a walk missed titles: ' || f.short_walks
                    END,
                    CASE
                        WHEN f.failing <> '{}'
                            THEN 'jobs fail: ' || array_to_string(f.failing, ', ')
                    END,
                    jikan_sync.lost_parts_reason(),
                    CASE WHEN f.is_frozen THEN 'the clock is frozen, as in a test' END
                ],
                null
            ) AS reasons
        FROM fact AS f
    )

    SELECT  -- noqa: ST06
        CASE
            WHEN f.title_count = 0 THEN 'down'
            WHEN v.reasons <> '{}' THEN 'degraded'
            ELSE 'ok'
        END AS state,
        v.reasons,
        f.title_count AS anime_count,
        f.title_count - f.stale_count AS fresh_count,
        f.stale_count,
        f.pending_count,
        f.coverage AS embedding_coverage,
        f.queue_depth,
        coalesce(f.oldest_wait, interval '0') AS oldest_wait,
        coalesce(f.oldest_high_wait, interval '0') AS oldest_high_wait,
        f.dead_letter_count,
        f.has_upstream AS upstream_available,
        f.has_embedding AS embedding_available,
        f.alive_count AS sidecar_count,
        f.seen_at AS sidecar_seen_at,
        f.failing AS failing_jobs,
        f.moment AS checked_at
    FROM fact AS f
    CROSS JOIN verdict AS v;
END;

COMMENT ON FUNCTION anime.check_health() IS
'What the view `anime.health` shows.';

CREATE VIEW anime.health AS
SELECT
    h.state,
    h.reasons,
    h.anime_count,
    h.fresh_count,
    h.stale_count,
    h.pending_count,
    h.embedding_coverage,
    h.queue_depth,
    h.oldest_wait,
    h.oldest_high_wait,
    h.dead_letter_count,
    h.upstream_available,
    h.embedding_available,
    h.sidecar_count,
    h.sidecar_seen_at,
    h.failing_jobs,
    h.checked_at
FROM anime.check_health() AS h;

COMMENT ON VIEW anime.health IS
'One row: whether all is well, and the figures behind it. What is `degraded` still answers.';
COMMENT ON COLUMN anime.health.state IS
'ok; degraded: reads answer, and `reasons` needs attention; down: there is nothing to read.';
COMMENT ON COLUMN anime.health.reasons IS 'What is wrong, a sentence each; empty when ok.';
COMMENT ON COLUMN anime.health.anime_count IS 'Titles, without those confirmed gone upstream.';
COMMENT ON COLUMN anime.health.fresh_count IS 'Those not older than the policy of facet core.';
COMMENT ON COLUMN anime.health.stale_count IS 'Those older.';
COMMENT ON COLUMN anime.health.pending_count IS
'Those without a current vector of the active model, fresh or stale: not recommendable yet.';
COMMENT ON COLUMN anime.health.embedding_coverage IS 'The share of titles with a current vector.';
COMMENT ON COLUMN anime.health.queue_depth IS 'Tasks waiting, held for the night or being done.';
COMMENT ON COLUMN anime.health.oldest_wait IS 'How long the task ready the longest has waited.';
COMMENT ON COLUMN anime.health.oldest_high_wait IS 'The same of tasks that a user waits for.';
COMMENT ON COLUMN anime.health.dead_letter_count IS 'Tasks given up after their last attempt.';
COMMENT ON COLUMN anime.health.upstream_available IS
'Whether some Jikan provider may be asked now.';
COMMENT ON COLUMN anime.health.embedding_available IS
'Whether the provider of a model in use may be asked now.';
COMMENT ON COLUMN anime.health.sidecar_count IS
'Sidecars seen within the setting `health_sidecar_silence`.';
COMMENT ON COLUMN anime.health.sidecar_seen_at IS
'When a sidecar was last seen; NULL: not for a day.';
COMMENT ON COLUMN anime.health.failing_jobs IS 'Jobs whose last run failed.';
COMMENT ON COLUMN anime.health.checked_at IS 'The time of this row.';

GRANT EXECUTE ON FUNCTION anime.check_health() TO anime_reader;
GRANT SELECT ON anime.health TO anime_reader;

COMMIT;
