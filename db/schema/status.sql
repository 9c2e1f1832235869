-- Deploy pgjikan:schema/status to pg
-- requires: functions/freshness/is_stale
-- requires: functions/jobs/run_job
-- requires: schema/queue
-- requires: functions/embeddings/current_vector

-- What an operator looks at, a view a question, and one that says it all in lines. Computed from
-- the rows at each look, so it is never wrong about how old the mirror is.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE VIEW jikan_sync.status_facet AS
WITH moment AS MATERIALIZED (
    SELECT jikan_sync.clock_now() AS now
),

title AS MATERIALIZED (
    SELECT count(*) AS title_count
    FROM jikan.anime AS a
    WHERE a.removed_at IS null
),

threshold AS MATERIALIZED (
    SELECT
        f.name AS facet,
        t.status,
        t.stale_before
    FROM jikan_sync.facet AS f
    CROSS JOIN LATERAL jikan_sync.stale_thresholds(f.name) AS t
),

-- One pass over the ledger for all facets. Tombstones are few: they are taken off afterwards.
counted AS MATERIALIZED (
    SELECT
        l.facet,
        count(*) AS synced_count,
        count(*) FILTER (WHERE l.stored_at > t.stale_before) AS fresh_count,
        min(l.stored_at) AS oldest_at
    FROM jikan_sync.ledger AS l
    INNER JOIN threshold AS t
        ON l.facet = t.facet AND jikan_sync.status_class(l.status) = t.status
    WHERE
        l.stored_at IS NOT null
        AND NOT EXISTS (
            SELECT
            FROM jikan.anime AS a
            WHERE a.missing_count > 0 AND a.removed_at IS NOT null AND a.mal_id = l.mal_id
        )
    GROUP BY l.facet
)

SELECT  -- noqa: ST06
    f.name AS facet,
    coalesce(c.fresh_count, 0) AS fresh_count,
    c.oldest_at,
    coalesce(c.synced_count - c.fresh_count, 0) AS stale_count,
    t.title_count - coalesce(c.synced_count, 0) AS never_count,
    m.now - c.oldest_at AS oldest_age
FROM jikan_sync.facet AS f
CROSS JOIN title AS t
CROSS JOIN moment AS m
LEFT JOIN counted AS c ON f.name = c.facet;

COMMENT ON VIEW jikan_sync.status_facet IS
'How fresh the mirror is, facet by facet, by the policies of this moment; tombstones do not count.';
COMMENT ON COLUMN jikan_sync.status_facet.facet IS 'The facet.';
COMMENT ON COLUMN jikan_sync.status_facet.fresh_count IS 'Titles within the policy.';
COMMENT ON COLUMN jikan_sync.status_facet.stale_count IS 'Titles older than the policy allows.';
COMMENT ON COLUMN jikan_sync.status_facet.never_count IS 'Titles of which it was never fetched.';
COMMENT ON COLUMN jikan_sync.status_facet.oldest_at IS 'When the oldest was synced.';
COMMENT ON COLUMN jikan_sync.status_facet.oldest_age IS 'How old that is.';

CREATE VIEW jikan_sync.status_queue AS
WITH moment AS MATERIALIZED (
    SELECT jikan_sync.clock_now() AS now
)

SELECT
    q.lane,
    q.priority,
    q.task,
    count(*) FILTER (WHERE q.lease_token IS null AND q.ready_at <= m.now) AS ready_count,
    count(*) FILTER (
        WHERE q.lease_token IS null AND q.ready_at > m.now AND q.failures = 0
    ) AS held_count,
    count(*) FILTER (
        WHERE q.lease_token IS null AND q.ready_at > m.now AND q.failures > 0
    ) AS retrying_count,
    count(q.lease_token) AS leased_count,
    m.now
    - min(q.ready_at) FILTER (WHERE q.lease_token IS null AND q.ready_at <= m.now) AS oldest_wait
FROM jikan_sync.queue AS q
CROSS JOIN moment AS m
GROUP BY q.lane, q.priority, q.task, m.now;

COMMENT ON VIEW jikan_sync.status_queue IS
'What waits and what is being done, by lane, priority, task.';
COMMENT ON COLUMN jikan_sync.status_queue.lane IS 'jikan or embedding.';
COMMENT ON COLUMN jikan_sync.status_queue.priority IS 'high or low.';
COMMENT ON COLUMN jikan_sync.status_queue.task IS 'What there is to do.';
COMMENT ON COLUMN jikan_sync.status_queue.ready_count IS 'Could be claimed now.';
COMMENT ON COLUMN jikan_sync.status_queue.held_count IS 'Wait for their time or the night.';
COMMENT ON COLUMN jikan_sync.status_queue.retrying_count IS 'Wait out a failure.';
COMMENT ON COLUMN jikan_sync.status_queue.leased_count IS 'Are in a worker''s hands.';
COMMENT ON COLUMN jikan_sync.status_queue.oldest_wait IS 'How long the first of the ready waits.';

CREATE VIEW jikan_sync.status_throughput AS
SELECT
    h.task,
    date_trunc('hour', h.processed_at, 'UTC') AS hour,
    count(*) FILTER (WHERE h.outcome = 'done') AS done_count,
    count(*) FILTER (WHERE h.outcome <> 'done') AS failed_count,
    count(*) FILTER (WHERE h.outcome = 'dead') AS dead_count,
    round(
        count(*) FILTER (WHERE h.outcome <> 'done')::numeric / count(*), 3
    ) AS error_rate,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY h.processed_at - h.created_at) FILTER (
        WHERE h.outcome = 'done'
    ) AS median_latency
FROM jikan_sync.queue_history AS h
WHERE h.processed_at > (SELECT jikan_sync.ago('24 hours'))
GROUP BY date_trunc('hour', h.processed_at, 'UTC'), h.task;

COMMENT ON VIEW jikan_sync.status_throughput IS
'What was done and what failed in the last 24 hours.';
COMMENT ON COLUMN jikan_sync.status_throughput.hour IS 'The hour (UTC), by its first moment.';
COMMENT ON COLUMN jikan_sync.status_throughput.task IS 'What there was to do.';
COMMENT ON COLUMN jikan_sync.status_throughput.done_count IS 'Tasks done.';
COMMENT ON COLUMN jikan_sync.status_throughput.failed_count IS 'Tries that failed.';
COMMENT ON COLUMN jikan_sync.status_throughput.dead_count IS
'Of these, the ones that were the last.';
COMMENT ON COLUMN jikan_sync.status_throughput.error_rate IS 'Failed tries among all.';
COMMENT ON COLUMN jikan_sync.status_throughput.median_latency IS
'Half of the done tasks took no longer from request to result.';

CREATE VIEW jikan_sync.status_embedding AS
WITH a AS (
    SELECT count(*) AS title_count
    FROM jikan.anime AS t
    WHERE t.removed_at IS null
)

SELECT
    m.provider,
    m.name AS model,
    m.dimensions,
    m.status,
    a.title_count,
    e.current_count,
    e.outdated_count,
    a.title_count - e.current_count AS missing_count,
    round(e.current_count::numeric / nullif(a.title_count, 0), 4) AS coverage
FROM jikan.embedding_model AS m
CROSS JOIN a
CROSS JOIN LATERAL (
    SELECT
        count(c.anime_id) AS current_count,
        count(*) - count(c.anime_id) AS outdated_count
    FROM jikan.embedding AS v
    INNER JOIN jikan.anime AS t ON v.anime_id = t.id
    LEFT JOIN LATERAL jikan_sync.current_vector(t.id, t.embedding_hash) AS c
        ON v.model_id = c.model_id
    WHERE v.model_id = m.id AND t.removed_at IS null
) AS e;

COMMENT ON VIEW jikan_sync.status_embedding IS 'How much of the mirror each model has vectors for.';
COMMENT ON COLUMN jikan_sync.status_embedding.provider IS 'Who computes its vectors.';
COMMENT ON COLUMN jikan_sync.status_embedding.model IS 'The model.';
COMMENT ON COLUMN jikan_sync.status_embedding.dimensions IS 'Length of its vectors.';
COMMENT ON COLUMN jikan_sync.status_embedding.status IS 'active, backfilling or retired.';
COMMENT ON COLUMN jikan_sync.status_embedding.title_count IS 'Titles there are.';
COMMENT ON COLUMN jikan_sync.status_embedding.current_count IS
'Titles with a vector of their text.';
COMMENT ON COLUMN jikan_sync.status_embedding.outdated_count IS
'Titles whose text has changed since.';
COMMENT ON COLUMN jikan_sync.status_embedding.missing_count IS 'Titles without a current vector.';
COMMENT ON COLUMN jikan_sync.status_embedding.coverage IS
'Share of the titles with a current vector.';

CREATE VIEW jikan_sync.status_job AS
SELECT
    j.name,
    j.enabled,
    j.period,
    j.last_run_at,
    j.last_duration,
    j.last_outcome,
    j.failure_count,
    r.message AS last_error,
    j.description,
    CASE
        WHEN j.enabled
            THEN jikan_sync.next_due(
                j.period, j.at, coalesce(j.last_run_at, j.created_at), j.failure_count
            )
    END AS next_due_at
FROM jikan_sync.job AS j
LEFT JOIN LATERAL (
    SELECT f.message
    FROM jikan_sync.job_run AS f
    WHERE f.job_name = j.name AND f.started_at = j.last_run_at AND f.outcome = 'failed'
    ORDER BY f.id DESC
    LIMIT 1
) AS r ON j.last_outcome = 'failed';

COMMENT ON VIEW jikan_sync.status_job IS
'What runs by the clock: how it last went, when it is due next.';
COMMENT ON COLUMN jikan_sync.status_job.name IS 'The job.';
COMMENT ON COLUMN jikan_sync.status_job.enabled IS 'Whether the clock runs it.';
COMMENT ON COLUMN jikan_sync.status_job.period IS 'How often.';
COMMENT ON COLUMN jikan_sync.status_job.last_run_at IS 'When it last started.';
COMMENT ON COLUMN jikan_sync.status_job.last_duration IS 'How long that took.';
COMMENT ON COLUMN jikan_sync.status_job.last_outcome IS 'ok or failed.';
COMMENT ON COLUMN jikan_sync.status_job.failure_count IS 'How often in a row it has failed.';
COMMENT ON COLUMN jikan_sync.status_job.last_error IS 'Why it last failed, if it did.';
COMMENT ON COLUMN jikan_sync.status_job.next_due_at IS 'When it is due next; NULL: disabled.';
COMMENT ON COLUMN jikan_sync.status_job.description IS 'What it is for.';

CREATE VIEW jikan_sync.status AS
SELECT
    'facet' AS section,
    f.facet AS name,
    format('%s fresh, %s stale, %s never', f.fresh_count, f.stale_count, f.never_count) AS says,
    to_jsonb(f) AS details
FROM jikan_sync.status_facet AS f
UNION ALL
SELECT
    'queue' AS section,
    concat_ws(' ', q.lane, q.priority, q.task) AS name,
    format(
        '%s ready, %s held, %s retrying, %s leased',
        q.ready_count, q.held_count, q.retrying_count, q.leased_count
    ) AS says,
    to_jsonb(q) AS details
FROM jikan_sync.status_queue AS q
UNION ALL
SELECT
    'dead letters' AS section,
    d.task AS name,
    format('%s, the last %s', count(*), max(d.died_at)) AS says,
    jsonb_build_object('dead_count', count(*), 'last_died_at', max(d.died_at)) AS details
FROM jikan_sync.dead_letter AS d
GROUP BY d.task
UNION ALL
SELECT
    'last 24 hours' AS section,
    t.task AS name,
    format('%s done, %s failed', sum(t.done_count), sum(t.failed_count)) AS says,
    jsonb_build_object(
        'done_count', sum(t.done_count), 'failed_count', sum(t.failed_count)
    ) AS details
FROM jikan_sync.status_throughput AS t
GROUP BY t.task
UNION ALL
SELECT
    'embedding' AS section,
    concat_ws(' ', e.provider, e.model, e.status) AS name,
    format('%s of %s titles', e.current_count, e.title_count) AS says,
    to_jsonb(e) AS details
FROM jikan_sync.status_embedding AS e
UNION ALL
SELECT
    'job' AS section,
    j.name,
    CASE
        WHEN NOT j.enabled THEN 'disabled'
        ELSE format('%s, next %s', coalesce(j.last_outcome, 'never ran'), j.next_due_at)
    END AS says,
    to_jsonb(j) AS details
FROM jikan_sync.status_job AS j;

COMMENT ON VIEW jikan_sync.status IS
'All the status views in lines: `SELECT section, name, says FROM jikan_sync.status`.';
COMMENT ON COLUMN jikan_sync.status.section IS
'facet, queue, dead letters, last 24 hours, embedding or job.';
COMMENT ON COLUMN jikan_sync.status.name IS 'What the line is about.';
COMMENT ON COLUMN jikan_sync.status.says IS 'How it stands, for people.';
COMMENT ON COLUMN jikan_sync.status.details IS 'The same and more, for machines.';

COMMIT;
