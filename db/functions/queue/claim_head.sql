-- Deploy pgjikan:functions/queue/claim_head to pg
-- requires: schema/queue
-- requires: schema/clock

-- The index entries of finished tasks stay until a vacuum, all of them at the head, where every
-- claim begins. So where they are many, a session remembers where the first live tasks were and
-- begins there, for twenty times as long as its last claim from the very beginning took: a tenth of
-- the time at most goes into walking. What comes in behind the head waits no longer than that, and
-- not at all where a claim would otherwise go short.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.queue_heads AS (
    high_at timestamptz,
    high_id bigint,
    low_at timestamptz,
    low_id bigint,
    until timestamptz
);

COMMENT ON TYPE jikan_sync.queue_heads IS
'Where a session begins to look for tasks of either priority, and until when it does so.';

CREATE FUNCTION jikan_sync.recall_heads(lane text)
RETURNS jikan_sync.queue_heads
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kept text := current_setting('pgjikan.queue_heads_' || lane, true);
    v_heads jikan_sync.queue_heads;
BEGIN
    IF v_kept <> '' THEN
        v_heads := v_kept;
        IF v_heads.until > clock_timestamp() THEN
            RETURN v_heads;
        END IF;
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.recall_heads(text) IS
'Where this session begins to look for tasks of a lane; NULL: at the very beginning.';

CREATE FUNCTION jikan_sync.remember_heads(lane text, walked_for interval)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_sort = off
SET jit = off
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_heads jikan_sync.queue_heads;
BEGIN
    SELECT
        coalesce(high.ready_at, v_now),
        coalesce(high.id, 0),
        coalesce(low.ready_at, v_now),
        coalesce(low.id, 0),
        clock_timestamp() + least(20 * walked_for, interval '10 seconds')
    INTO v_heads
    FROM (VALUES (NULL)) AS always
    LEFT JOIN LATERAL (
        SELECT
            q.ready_at,
            q.id
        FROM jikan_sync.queue AS q
        WHERE
            q.lane = remember_heads.lane
            AND q.priority = 'high'
            AND q.ready_at <= v_now
            AND q.lease_token IS NULL
        ORDER BY q.ready_at, q.id
        LIMIT 1
    ) AS high ON true
    LEFT JOIN LATERAL (
        SELECT
            q.ready_at,
            q.id
        FROM jikan_sync.queue AS q
        WHERE
            q.lane = remember_heads.lane
            AND q.priority = 'low'
            AND q.ready_at <= v_now
            AND q.lease_token IS NULL
        ORDER BY q.ready_at, q.id
        LIMIT 1
    ) AS low ON true;
    PERFORM set_config('pgjikan.queue_heads_' || lane, v_heads::text, false);
END;
$$;

COMMENT ON FUNCTION jikan_sync.remember_heads(text, interval) IS
'Keeps where the first live tasks of a lane stand, for twenty times `walked_for`, at most 10 s.';

COMMIT;
