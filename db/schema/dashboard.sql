-- Deploy pgjikan:schema/dashboard to pg
-- requires: schema/status
-- requires: schema/embedding_provider
-- requires: schema/rejected_document
-- requires: schema/request_stat
-- requires: functions/upstream/reserve_rate

-- What `pgjikan dashboard` shows beyond the status views: how it was over time, and what went
-- wrong. All of it is worked out from rows that are kept anyway, so that a page opened now shows
-- the hour before.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.queue_depth(span interval, step interval)
RETURNS TABLE (lane text, priority text, at timestamptz, task_count bigint)
LANGUAGE sql
STABLE
ROWS 240
BEGIN ATOMIC
    WITH axis AS MATERIALIZED (
        SELECT
            c.now,
            jikan_sync.earlier(c.now, queue_depth.span) AS began_at,
            ceil(
                extract(EPOCH FROM queue_depth.span) / extract(EPOCH FROM queue_depth.step)
            )::integer AS step_count,
            extract(EPOCH FROM queue_depth.step) AS step_seconds
        FROM (SELECT jikan_sync.clock_now() AS now) AS c
    ),

    -- A task counts in every step in which it was there, also for a moment: it goes in the step
    -- after the one in which it ended, so that a burst shorter than a step is seen.
    event AS (
        SELECT
            q.lane,
            q.priority,
            q.created_at AS at,
            0 AS delay,
            1 AS change
        FROM jikan_sync.queue AS q
        UNION ALL
        SELECT
            -- As the queue's own column `lane`; the history has none.
            CASE WHEN h.task IN ('embed', 'embed_query') THEN 'embedding' ELSE 'jikan' END AS lane,
            h.priority,
            CASE e.change WHEN 1 THEN h.created_at ELSE h.processed_at END AS at,
            CASE e.change WHEN 1 THEN 0 ELSE 1 END AS delay,
            e.change
        FROM jikan_sync.queue_history AS h
        CROSS JOIN axis AS a
        CROSS JOIN (VALUES (1), (-1)) AS e (change)
        WHERE h.processed_at > a.began_at AND h.outcome <> 'failed'
    ),

    placed AS (
        SELECT
            e.lane,
            e.priority,
            e.change,
            e.delay
            + least(
                greatest(
                    ceil(extract(EPOCH FROM e.at - a.began_at) / a.step_seconds)::integer, 0
                ),
                a.step_count
            ) AS step_number
        FROM event AS e
        CROSS JOIN axis AS a
    ),

    change AS (
        SELECT
            p.lane,
            p.priority,
            p.step_number,
            sum(p.change) AS change
        FROM placed AS p
        GROUP BY p.lane, p.priority, p.step_number
    ),

    moment AS (
        SELECT
            l.lane,
            p.priority,
            s.step_number,
            jikan_sync.earlier(
                a.now, (a.step_count - s.step_number) * queue_depth.step
            ) AS at
        FROM axis AS a
        CROSS JOIN (VALUES ('jikan'), ('embedding')) AS l (lane)
        CROSS JOIN (VALUES ('high'), ('low')) AS p (priority)
        CROSS JOIN LATERAL generate_series(0, a.step_count) AS s (step_number)
    )

    SELECT
        m.lane,
        m.priority,
        m.at,
        sum(coalesce(c.change, 0)) OVER (
            PARTITION BY m.lane, m.priority ORDER BY m.step_number
        )::bigint AS task_count
    FROM moment AS m
    LEFT JOIN change AS c
        ON
            m.lane = c.lane
            AND m.priority = c.priority
            AND m.step_number = c.step_number;
END;

COMMENT ON FUNCTION jikan_sync.queue_depth(interval, interval) IS
'How many tasks there were, by lane and priority, in each `step` of the last `span`, up to now:
those that waited or were being done at some time in the step that ends `at`.';

CREATE VIEW jikan_sync.status_request AS
SELECT
    s.hour,
    s.provider,
    s.outcome,
    sum(s.request_count) AS request_count,
    sum(s.elapsed) / sum(s.request_count) AS mean_elapsed
FROM jikan_sync.request_stat AS s
WHERE s.hour > (SELECT jikan_sync.ago('24 hours'))
GROUP BY s.hour, s.provider, s.outcome;

COMMENT ON VIEW jikan_sync.status_request IS
'What upstreams were asked in the last 24 hours, and what they answered.';
COMMENT ON COLUMN jikan_sync.status_request.hour IS 'The hour, by its first moment.';
COMMENT ON COLUMN jikan_sync.status_request.provider IS 'The provider.';
COMMENT ON COLUMN jikan_sync.status_request.outcome IS 'How the requests ended.';
COMMENT ON COLUMN jikan_sync.status_request.request_count IS 'How many ended so.';
COMMENT ON COLUMN jikan_sync.status_request.mean_elapsed IS 'How long one took.';

CREATE VIEW jikan_sync.status_embedding_provider AS
SELECT
    p.name,
    p.failure_count,
    p.blocked_until,
    p.blocked_reason,
    coalesce(p.blocked_until > jikan_sync.clock_now(), false) AS is_blocked,
    jikan_sync.rate_wait('embedding:' || p.name) AS wait,
    p.ms_per_input * interval '1 millisecond' AS time_per_text
FROM jikan_sync.embedding_provider AS p
WHERE
    EXISTS (
        SELECT
        FROM jikan.embedding_model AS m
        WHERE m.provider = p.name AND m.status <> 'retired'
    );

COMMENT ON VIEW jikan_sync.status_embedding_provider IS
'How each embeddings API of a model in use is doing.';
COMMENT ON COLUMN jikan_sync.status_embedding_provider.name IS 'The provider.';
COMMENT ON COLUMN jikan_sync.status_embedding_provider.failure_count IS
'Requests in a row that failed for no fault of their texts.';
COMMENT ON COLUMN jikan_sync.status_embedding_provider.blocked_until IS 'No request before this.';
COMMENT ON COLUMN jikan_sync.status_embedding_provider.blocked_reason IS
'The outcome that blocked it.';
COMMENT ON COLUMN jikan_sync.status_embedding_provider.is_blocked IS 'Whether that is so now.';
COMMENT ON COLUMN jikan_sync.status_embedding_provider.wait IS
'How long a request would wait for its turn.';
COMMENT ON COLUMN jikan_sync.status_embedding_provider.time_per_text IS
'How long a text takes, averaged over the latest requests.';

CREATE VIEW jikan_sync.status_error AS
SELECT
    h.processed_at AS at,
    'task' AS source,
    concat_ws(' ', h.task, coalesce(h.mal_id::text, h.payload ->> 'query_key')) AS subject,
    h.error_class AS class,
    h.message
FROM jikan_sync.queue_history AS h
WHERE
    h.outcome <> 'done'
    AND h.processed_at > (SELECT jikan_sync.ago('24 hours'))
UNION ALL
SELECT
    r.started_at AS at,
    'job' AS source,
    r.job_name AS subject,
    r.sqlstate AS class,
    r.message
FROM jikan_sync.job_run AS r
WHERE
    r.outcome = 'failed'
    AND r.started_at > (SELECT jikan_sync.ago('24 hours'))
UNION ALL
SELECT
    d.last_seen_at AS at,
    'document' AS source,
    concat_ws(' ', d.source, d.mal_id) AS subject,
    'rejected' AS class,
    d.reason AS message
FROM jikan_sync.rejected_document AS d
WHERE d.last_seen_at > (SELECT jikan_sync.ago('24 hours'));

COMMENT ON VIEW jikan_sync.status_error IS
'What went wrong in the last 24 hours: tries of tasks, runs of jobs, documents that do not fit.';
COMMENT ON COLUMN jikan_sync.status_error.at IS 'When, the last time.';
COMMENT ON COLUMN jikan_sync.status_error.source IS 'task, job or document.';
COMMENT ON COLUMN jikan_sync.status_error.subject IS 'Which one.';
COMMENT ON COLUMN jikan_sync.status_error.class IS
'A task''s class of error, a job''s SQLSTATE, or rejected.';
COMMENT ON COLUMN jikan_sync.status_error.message IS 'What was said of it.';

COMMIT;
