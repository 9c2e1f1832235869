-- Deploy pgjikan:functions/enqueue to pg
-- requires: schema/queue
-- requires: schema/clock

-- The only ways into the queue. The same thing asked for twice is one task: the second request may
-- raise its priority, bring it forward, or mark a leased one dirty so that it is done once more.
-- A task that waits out a failure keeps its wait, however often it is asked for.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.flood_limit(task text, anime_id bigint, priority text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_limit integer := 0;
    v_live integer := 0;
BEGIN
    v_limit := CASE
        WHEN flood_limit.task = 'search' THEN jikan_sync.setting_number('max_live_searches')
        WHEN flood_limit.task = 'embed_query'
            THEN jikan_sync.setting_number('max_live_query_embeddings')
        WHEN flood_limit.task = 'anime'
            AND flood_limit.anime_id IS NULL
            AND flood_limit.priority = 'high'
            THEN jikan_sync.setting_number('max_unknown_anime')
    END;
    IF v_limit IS NULL THEN
        RETURN flood_limit.priority;
    END IF;
    IF flood_limit.task = 'anime' THEN
        SELECT count(*) INTO v_live FROM (
            SELECT FROM jikan_sync.queue AS q
            WHERE q.anime_id IS NULL AND q.priority = 'high' AND q.task = 'anime'
            LIMIT v_limit
        ) AS live;
    ELSE
        SELECT count(*) INTO v_live FROM (
            SELECT FROM jikan_sync.queue AS q
            WHERE q.task IN ('search', 'embed_query') AND q.task = flood_limit.task
            LIMIT v_limit
        ) AS live;
    END IF;
    IF v_live >= v_limit THEN
        RETURN NULL;
    END IF;
    IF flood_limit.task = 'search' AND flood_limit.priority = 'high' THEN
        v_limit := jikan_sync.setting_number('max_high_searches');
        SELECT count(*) INTO v_live FROM (
            SELECT FROM jikan_sync.queue AS q
            WHERE
                q.task IN ('search', 'embed_query')
                AND q.task = 'search'
                AND q.priority = 'high'
            LIMIT v_limit
        ) AS live;
        IF v_live >= v_limit THEN
            RETURN 'low';
        END IF;
    END IF;
    RETURN flood_limit.priority;
END;
$$;

COMMENT ON FUNCTION jikan_sync.flood_limit(text, bigint, text) IS
'The priority that a new task may have under the caps against floods; NULL: it is refused.';

CREATE FUNCTION jikan_sync.enqueue(
    task text,
    mal_id integer DEFAULT NULL,
    payload jsonb DEFAULT '{}',
    priority text DEFAULT 'low',
    ready_at timestamptz DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_ready_at timestamptz := coalesce(enqueue.ready_at, v_now);
    v_priority text := enqueue.priority;
    v_anime_id bigint;
    v_key text;
    v_live jikan_sync.queue;
    v_id bigint;
BEGIN
    IF enqueue.priority IS NULL OR enqueue.priority NOT IN ('high', 'low') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such priority: %L', enqueue.priority),
            HINT = 'high (a user waits for it) or low (bulk)';
    END IF;
    IF enqueue.mal_id IS NOT NULL THEN
        SELECT a.id INTO v_anime_id FROM jikan.anime AS a WHERE a.mal_id = enqueue.mal_id;
    END IF;
    v_key := jikan_sync.task_key(
        enqueue.task, enqueue.mal_id, v_anime_id, coalesce(enqueue.payload, '{}')
    );
    IF v_key IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('a task %L cannot be made of mal_id %s and payload %s',
                             enqueue.task, coalesce(enqueue.mal_id::text, 'NULL'),
                             coalesce(enqueue.payload::text, 'NULL')),
            HINT = 'anime, pictures and reviews take a mal_id; embed the mal_id of a mirrored '
                   'anime; search and embed_query a query_key, season a season (and year) in the '
                   'payload; catalogue nothing.';
    END IF;

    -- A look first: what is already on its way costs the asker no write and no lock.
    SELECT q.* INTO v_live FROM jikan_sync.queue AS q WHERE q.dedupe_key = v_key;
    IF NOT FOUND THEN
        v_priority := jikan_sync.flood_limit(enqueue.task, v_anime_id, enqueue.priority);
        IF v_priority IS NULL THEN
            RETURN NULL;
        END IF;
    ELSIF NOT (
        v_priority = 'high' AND v_live.priority = 'low'
        OR v_ready_at < v_live.ready_at AND v_live.failures = 0
        OR v_live.lease_token IS NOT NULL AND NOT v_live.is_dirty
        OR coalesce(v_live.next_payload, v_live.payload) IS DISTINCT FROM enqueue.payload
    ) THEN
        RETURN v_live.id;
    END IF;

    INSERT INTO jikan_sync.queue AS q (
        task, anime_id, mal_id, payload, priority, created_at, ready_at
    )
    VALUES (
        enqueue.task, v_anime_id, enqueue.mal_id, coalesce(enqueue.payload, '{}'),
        v_priority, v_now, v_ready_at
    )
    ON CONFLICT (dedupe_key) DO UPDATE SET
        payload = CASE WHEN q.lease_token IS NULL THEN excluded.payload ELSE q.payload END,
        next_payload = CASE WHEN q.lease_token IS NOT NULL THEN excluded.payload END,
        priority = CASE WHEN q.priority = 'high' THEN 'high' ELSE excluded.priority END,
        ready_at = CASE
            WHEN q.failures > 0 THEN q.ready_at
            -- Somebody waits for it from now on, not since it lay among the bulk.
            WHEN excluded.priority = 'high' AND q.priority = 'low'
                THEN least(excluded.ready_at, greatest(q.ready_at, v_now))
            ELSE least(q.ready_at, excluded.ready_at)
        END,
        is_dirty = q.lease_token IS NOT NULL
    RETURNING q.id INTO v_id;
    RETURN v_id;
END;
$$;

COMMENT ON FUNCTION jikan_sync.enqueue(text, integer, jsonb, text, timestamptz) IS
'Asks for a task, once: the id of the live task for it, new or known, or NULL when a cap against
floods refuses it. `ready_at` defaults to now; infinity holds it. Raises: 22023.';

CREATE FUNCTION jikan_sync.enqueue_many(
    task text,
    mal_ids integer[],
    priority text DEFAULT 'low',
    ready_at timestamptz DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_count integer;
BEGIN
    IF enqueue_many.task IS NULL
        OR enqueue_many.task NOT IN ('anime', 'pictures', 'reviews', 'embed')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('tasks %L cannot be made of ids', enqueue_many.task),
            HINT = 'anime, pictures, reviews or embed';
    END IF;
    -- In the order of the key, so that two bulk calls wait for each other and never in a circle.
    INSERT INTO jikan_sync.queue AS q (task, anime_id, mal_id, priority, created_at, ready_at)
    SELECT
        enqueue_many.task,
        a.id,
        asked.mal_id,
        enqueue_many.priority,
        v_now,
        coalesce(enqueue_many.ready_at, v_now)
    FROM (SELECT DISTINCT m.mal_id FROM unnest(enqueue_many.mal_ids) AS m (mal_id)) AS asked
    LEFT JOIN jikan.anime AS a ON a.mal_id = asked.mal_id
    WHERE asked.mal_id IS NOT NULL AND (a.id IS NOT NULL OR enqueue_many.task <> 'embed')
    ORDER BY asked.mal_id
    ON CONFLICT (dedupe_key) DO UPDATE SET
        priority = CASE WHEN q.priority = 'high' THEN 'high' ELSE excluded.priority END,
        ready_at = CASE
            WHEN q.failures > 0 THEN q.ready_at
            -- Somebody waits for it from now on, not since it lay among the bulk.
            WHEN excluded.priority = 'high' AND q.priority = 'low'
                THEN least(excluded.ready_at, greatest(q.ready_at, v_now))
            ELSE least(q.ready_at, excluded.ready_at)
        END,
        is_dirty = q.lease_token IS NOT NULL
    WHERE
        excluded.priority = 'high' AND q.priority = 'low'
        OR excluded.ready_at < q.ready_at AND q.failures = 0
        OR q.lease_token IS NOT NULL AND NOT q.is_dirty;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.enqueue_many(text, integer[], text, timestamptz) IS
'Asks for the same task for many titles in one statement; answers how many tasks are new or changed.
For embed, ids that are not mirrored are left out. Not capped: bulk is the owner''s.
Raises: 22023.';

COMMIT;
