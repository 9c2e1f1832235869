-- Deploy pgjikan:functions/jobs/metric to pg
-- requires: schema/health
-- requires: schema/status
-- requires: schema/rejected_document
-- requires: schema/breaker
-- requires: schema/request_stat
-- requires: schema/search_request
-- requires: functions/upstream/provider

-- What there is to watch, in Prometheus' words: base units, `_total` for what only grows (every
-- other name is a gauge), and labels with few values, never an id or a query. The database is the
-- source, so each sidecar that is scraped tells the same, and dashboards take the maximum.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.metric()
RETURNS TABLE (name text, help text, labels jsonb, value double precision)
LANGUAGE sql
STABLE
SECURITY DEFINER
ROWS 200
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH health AS MATERIALIZED (
        SELECT h.* FROM anime.check_health() AS h
    ),

    clock AS MATERIALIZED (
        SELECT h.checked_at AS moment FROM health AS h
    ),

    line AS (
        SELECT
            p.lane,
            p.priority
        FROM (
            VALUES
            ('jikan', 'high'),
            ('jikan', 'low'),
            ('embedding', 'high'),
            ('embedding', 'low')
        ) AS p (lane, priority)
    ),

    queue AS MATERIALIZED (
        SELECT
            q.lane,
            q.priority,
            sum(q.ready_count) AS ready,
            sum(q.leased_count) AS leased,
            sum(q.held_count) AS held,
            sum(q.retrying_count) AS retrying,
            max(q.oldest_wait) AS oldest_wait
        FROM jikan_sync.status_queue AS q
        GROUP BY q.lane, q.priority
    ),

    facet AS (
        SELECT
            s.facet,
            f.freshness,
            f.anime_count
        FROM jikan_sync.status_facet AS s
        CROSS JOIN LATERAL (
            VALUES
            ('fresh', s.fresh_count),
            ('stale', s.stale_count),
            ('never', s.never_count)
        ) AS f (freshness, anime_count)
    ),

    provider AS MATERIALIZED (
        SELECT p.* FROM jikan_sync.provider_status AS p
    ),

    -- From the first of the month: a counter may start again, and what is purged is long past.
    request AS MATERIALIZED (
        SELECT
            s.provider,
            s.outcome,
            sum(s.request_count) AS request_count,
            sum(s.byte_count) AS byte_count,
            extract(EPOCH FROM sum(s.elapsed)) AS seconds
        FROM jikan_sync.request_stat AS s
        CROSS JOIN clock AS c
        WHERE s.hour >= date_trunc('month', c.moment, 'UTC')
        GROUP BY s.provider, s.outcome
    ),

    task AS MATERIALIZED (
        SELECT
            h.task,
            h.outcome,
            count(*) AS task_count
        FROM jikan_sync.queue_history AS h
        CROSS JOIN clock AS c
        WHERE h.processed_at > jikan_sync.earlier(c.moment, '1 hour')
        GROUP BY h.task, h.outcome
    ),

    model AS MATERIALIZED (
        SELECT
            m.provider,
            m.name,
            m.status,
            m.price,
            v.coverage,
            exists(SELECT FROM jikan_sync.embedding_block(m.id)) AS is_blocked,
            jikan_sync.rate_wait('embedding:' || m.provider) AS wait
        FROM jikan.embedding_model AS m
        CROSS JOIN LATERAL jikan_sync.embedding_coverage(m.id) AS v
        WHERE m.status <> 'retired'
    )

    -- noqa: disable=AL03
    SELECT
        'pgjikan_healthy' AS name,
        'Whether the view anime.health says ok.' AS help,
        '{}'::jsonb AS labels,
        (h.state = 'ok')::integer::double precision AS value
    FROM health AS h
    UNION ALL
    SELECT
        'pgjikan_anime',
        'Titles, without those confirmed gone.',
        '{}',
        h.anime_count
    FROM health AS h
    UNION ALL
    SELECT
        'pgjikan_facet_anime',
        'Titles by facet and how fresh the facet is.',
        jsonb_build_object('facet', f.facet, 'freshness', f.freshness),
        f.anime_count
    FROM facet AS f
    UNION ALL
    SELECT
        'pgjikan_queue_tasks',
        'Tasks in the queue; held ones wait for their time or the night.',
        jsonb_build_object('lane', l.lane, 'priority', l.priority, 'state', s.state),
        coalesce(s.task_count, 0)
    FROM line AS l
    LEFT JOIN queue AS q ON l.lane = q.lane AND l.priority = q.priority
    CROSS JOIN
        LATERAL (
            VALUES
            ('ready', q.ready), ('leased', q.leased), ('retrying', q.retrying), ('held', q.held)
        ) AS s (state, task_count)
    UNION ALL
    SELECT
        'pgjikan_queue_oldest_seconds',
        'How long the task that is ready the longest has waited.',
        jsonb_build_object('lane', l.lane, 'priority', l.priority),
        coalesce(extract(EPOCH FROM q.oldest_wait), 0)
    FROM line AS l
    LEFT JOIN queue AS q ON l.lane = q.lane AND l.priority = q.priority
    UNION ALL
    SELECT
        'pgjikan_dead_letters',
        'Tasks given up after their last attempt.',
        '{}',
        h.dead_letter_count
    FROM health AS h
    UNION ALL
    SELECT
        'pgjikan_tasks_last_hour',
        'Tries that ended in the last hour, by task and outcome.',
        jsonb_build_object('task', t.task, 'outcome', t.outcome),
        t.task_count
    FROM task AS t
    UNION ALL
    SELECT
        'pgjikan_sidecars',
        'Sidecars that were seen lately.',
        '{}',
        h.sidecar_count
    FROM health AS h
    UNION ALL
    SELECT
        'pgjikan_sidecar_last_seen_timestamp_seconds',
        'When a sidecar was last seen.',
        '{}',
        extract(EPOCH FROM h.sidecar_seen_at)
    FROM health AS h
    WHERE h.sidecar_seen_at IS NOT null
    UNION ALL
    SELECT
        'pgjikan_upstream_available',
        'Whether some Jikan provider may be asked.',
        '{}',
        h.upstream_available::integer
    FROM health AS h
    UNION ALL
    SELECT
        'pgjikan_provider_enabled',
        'Whether a provider is asked at all.',
        jsonb_build_object('provider', p.name),
        p.enabled::integer
    FROM provider AS p
    UNION ALL
    SELECT
        'pgjikan_provider_breaker_open',
        '0 closed, 0.5 being probed, 1 open.',
        jsonb_build_object('provider', p.name),
        CASE p.breaker WHEN 'open' THEN 1 WHEN 'half_open' THEN 0.5 ELSE 0 END
    FROM provider AS p
    UNION ALL
    SELECT
        'pgjikan_limiter_wait_seconds',
        'How long a request would wait for its turn.',
        jsonb_build_object('subject', jikan_sync.limit_subject(p.name, l.is_keyed)),
        extract(EPOCH FROM l.wait)
    FROM provider AS p
    CROSS JOIN
        LATERAL (
            VALUES (false, p.wait), (true, p.keyed_wait)
        ) AS l (is_keyed, wait)
    WHERE l.wait IS NOT null
    UNION ALL
    SELECT
        'pgjikan_limiter_wait_seconds',
        'How long a request would wait for its turn.',
        jsonb_build_object('subject', 'embedding:' || m.provider),
        max(extract(EPOCH FROM m.wait))
    FROM model AS m
    GROUP BY m.provider
    UNION ALL
    SELECT
        'pgjikan_limiter_pace_ratio',
        'Share of the full pace, with a server key or without; less after a 429.',
        jsonb_build_object('provider', p.name, 'keyed', l.is_keyed::text),
        l.pace
    FROM provider AS p
    CROSS JOIN
        LATERAL (
            VALUES (false, p.pace), (true, p.keyed_pace)
        ) AS l (is_keyed, pace)
    WHERE l.pace IS NOT null
    UNION ALL
    SELECT
        'pgjikan_requests_total',
        'Requests to Jikan providers; starts again each month.',
        jsonb_build_object('provider', r.provider, 'outcome', r.outcome),
        r.request_count
    FROM request AS r
    UNION ALL
    SELECT
        'pgjikan_request_seconds_total',
        'Time that requests took, summed; over pgjikan_requests_total it is the mean.',
        jsonb_build_object('provider', r.provider, 'outcome', r.outcome),
        r.seconds
    FROM request AS r
    UNION ALL
    SELECT
        'pgjikan_request_bytes_total',
        'Bytes of body that requests brought.',
        jsonb_build_object('provider', r.provider, 'outcome', r.outcome),
        r.byte_count
    FROM request AS r
    UNION ALL
    SELECT
        'pgjikan_searches',
        'Queries remembered as asked upstream, by what became of them.',
        jsonb_build_object('state', s.state),
        count(*)
    FROM jikan_sync.search_request AS s
    GROUP BY s.state
    UNION ALL
    SELECT
        'pgjikan_embedding_coverage_ratio',
        'Share of titles with a current vector.',
        jsonb_build_object('model', m.name, 'status', m.status),
        m.coverage
    FROM model AS m
    UNION ALL
    SELECT
        'pgjikan_embedding_available',
        'Whether a model may be asked: it is not gone, its provider not left alone.',
        jsonb_build_object('model', m.name),
        (NOT m.is_blocked)::integer
    FROM model AS m
    UNION ALL
    SELECT
        'pgjikan_embedding_price_usd_per_million_tokens',
        'Price of a model; times pgjikan_sidecar_embedding_tokens_total it is the spend.',
        jsonb_build_object('model', m.name),
        m.price
    FROM model AS m
    UNION ALL
    SELECT
        'pgjikan_job_failures',
        'How often in a row a job has failed.',
        jsonb_build_object('name', j.name),
        j.failure_count
    FROM jikan_sync.job AS j
    UNION ALL
    SELECT
        'pgjikan_job_duration_seconds',
        'How long the last run of a job took.',
        jsonb_build_object('name', j.name),
        extract(EPOCH FROM j.last_duration)
    FROM jikan_sync.job AS j
    WHERE j.last_duration IS NOT null
    UNION ALL
    SELECT
        'pgjikan_job_overdue_seconds',
        'How long ago an enabled job fell due and has not run.',
        jsonb_build_object('name', j.name),
        greatest(extract(EPOCH FROM c.moment - j.next_due_at), 0)
    FROM jikan_sync.status_job AS j
    CROSS JOIN clock AS c
    WHERE j.enabled AND j.last_run_at IS NOT null
    UNION ALL
    SELECT
        'pgjikan_rejected_documents',
        'Documents that could not be stored, kept a while.',
        '{}',
        count(*)
    FROM jikan_sync.rejected_document;
END;

COMMENT ON FUNCTION jikan_sync.metric() IS
'Every metric, one row a time series; a `name` that ends in `_total` is a counter, else a gauge.';

GRANT EXECUTE ON FUNCTION jikan_sync.metric() TO jikan_sidecar;

COMMIT;
