-- Deploy pgjikan:functions/claim to pg
-- requires: functions/enqueue

-- How a worker gets tasks: the one statement that leases. High goes first, low keeps a share of the
-- turns, and a low task that has waited too long takes turns with high. The turn comes from a
-- sequence, so the share holds over all workers and costs no row.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE SEQUENCE jikan_sync.claim_turn CACHE 1 CYCLE;

COMMENT ON SEQUENCE jikan_sync.claim_turn IS
'Counts claims, to deal out the share of low tasks among all workers.';

CREATE FUNCTION jikan_sync.claim(worker text, lane text, max_tasks integer DEFAULT 1)
RETURNS SETOF jikan_sync.claimed_task
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
ROWS 10
SET search_path = pg_catalog, pg_temp
-- One plan whatever the statistics say: they lag behind a queue that fills and empties in minutes.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_sort = off
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_turn bigint;
    v_share numeric;
    v_aged_slots integer;
    v_low_slots integer;
    v_aged_at timestamptz;
    v_expires_at timestamptz;
BEGIN
    IF claim.worker IS NULL OR claim.lane IS NULL OR claim.lane NOT IN ('jikan', 'embedding')
        OR claim.max_tasks IS NULL OR claim.max_tasks NOT BETWEEN 1 AND 1000
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('cannot claim %s tasks of lane %L for worker %L',
                             claim.max_tasks, claim.lane, claim.worker),
            HINT = 'lane is jikan or embedding, max_tasks 1 to 1000, worker any name';
    END IF;
    IF claim.lane = 'jikan' AND NOT jikan_sync.upstream_available() THEN
        RETURN;
    END IF;
    IF claim.lane = 'embedding' AND NOT jikan_sync.embedding_available() THEN
        RETURN;
    END IF;

    -- A lease lost in a crash of the server only means that the task is claimed again.
    IF pg_current_xact_id_if_assigned() IS NULL THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;

    v_turn := nextval('jikan_sync.claim_turn');
    v_share := least(jikan_sync.setting_number('low_share'), 1);
    v_aged_slots := v_turn * max_tasks / 2 - (v_turn - 1) * max_tasks / 2;
    v_low_slots := floor(v_turn * max_tasks * v_share) - floor((v_turn - 1) * max_tasks * v_share);
    v_aged_at := v_now - jikan_sync.setting_interval('low_ages_after');
    v_expires_at := v_now + jikan_sync.setting_interval('lease_duration');

    RETURN QUERY
    WITH aged AS MATERIALIZED (
        SELECT q.id
        FROM jikan_sync.queue AS q
        WHERE
            q.lane = claim.lane
            AND q.priority = 'low'
            AND q.ready_at < v_aged_at
            AND q.lease_token IS NULL
        ORDER BY q.ready_at, q.id
        LIMIT v_aged_slots
        FOR UPDATE SKIP LOCKED
    ),

    share AS MATERIALIZED (
        SELECT q.id
        FROM jikan_sync.queue AS q
        WHERE
            q.lane = claim.lane
            AND q.priority = 'low'
            AND q.ready_at <= v_now
            AND q.lease_token IS NULL
            AND q.id NOT IN (SELECT a.id FROM aged AS a)
        ORDER BY q.ready_at, q.id
        LIMIT (SELECT greatest(v_low_slots - count(*), 0) FROM aged)
        FOR UPDATE SKIP LOCKED
    ),

    high AS MATERIALIZED (
        SELECT q.id
        FROM jikan_sync.queue AS q
        WHERE
            q.lane = claim.lane
            AND q.priority = 'high'
            AND q.ready_at <= v_now
            AND q.lease_token IS NULL
        ORDER BY q.ready_at, q.id
        LIMIT (
            SELECT max_tasks - (SELECT count(*) FROM aged) - (SELECT count(*) FROM share)
        )
        FOR UPDATE SKIP LOCKED
    ),

    rest AS MATERIALIZED (
        SELECT q.id
        FROM jikan_sync.queue AS q
        WHERE
            q.lane = claim.lane
            AND q.priority = 'low'
            AND q.ready_at <= v_now
            AND q.lease_token IS NULL
            AND q.id NOT IN (SELECT a.id FROM aged AS a)
            AND q.id NOT IN (SELECT s.id FROM share AS s)
        ORDER BY q.ready_at, q.id
        LIMIT (
            SELECT
                max_tasks
                - (SELECT count(*) FROM aged)
                - (SELECT count(*) FROM share)
                - (SELECT count(*) FROM high)
        )
        FOR UPDATE SKIP LOCKED
    ),

    picked AS (
        SELECT h.id FROM high AS h
        UNION ALL
        SELECT a.id FROM aged AS a
        UNION ALL
        SELECT s.id FROM share AS s
        UNION ALL
        SELECT r.id FROM rest AS r
    )

    UPDATE jikan_sync.queue AS q SET
        leased_by = claim.worker,
        lease_token = gen_random_uuid(),
        lease_expires_at = v_expires_at
    FROM picked
    WHERE q.id = picked.id
    RETURNING
        q.id,
        q.task,
        q.anime_id,
        q.mal_id,
        q.payload,
        q.priority,
        q.attempts,
        q.lease_token,
        q.lease_expires_at,
        q.dedupe_key;
END;
$$;

COMMENT ON FUNCTION jikan_sync.claim(text, text, integer) IS
'Leases up to `max_tasks` ready tasks of a lane (jikan or embedding) to `worker`: high
ones first, with a share for low ones; none while no provider of the lane is available. Raises: 22023.';

GRANT EXECUTE ON FUNCTION jikan_sync.claim(text, text, integer) TO jikan_sidecar;

COMMIT;
