-- Deploy pgjikan:functions/queue/claim to pg
-- requires: functions/queue/fold_wishes
-- requires: functions/queue/claim_head

-- How a worker gets tasks. High goes first, low keeps a share of the turns, and where a low task
-- has waited too long, low takes turns with high. The turn comes from a sequence, so the share
-- holds over all workers and costs no row.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE SEQUENCE jikan_sync.claim_turn CACHE 1 CYCLE;

COMMENT ON SEQUENCE jikan_sync.claim_turn IS
'Counts claims, to deal out the share of low tasks among all workers.';

CREATE FUNCTION jikan_sync.slots(turn bigint, max_tasks integer, share numeric)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        (
            floor(slots.turn * slots.max_tasks * slots.share)
            - floor((slots.turn - 1) * slots.max_tasks * slots.share)
        )::integer;
END;

COMMENT ON FUNCTION jikan_sync.slots(bigint, integer, numeric) IS
'How many of the `max_tasks` of this turn a share of all turns comes to: exact over many turns.';

CREATE FUNCTION jikan_sync.claim(
    worker text,
    lane text,
    max_tasks integer DEFAULT 1,
    keys text[] DEFAULT NULL
)
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
SET enable_hashjoin = off
SET jit = off
AS $$
DECLARE
    v_now timestamptz;
    v_expires_at timestamptz;
    v_aged_before timestamptz;
    v_share numeric := least(jikan_sync.setting_number('low_share'), 1);
    v_token uuid := gen_random_uuid();
    v_beginning CONSTANT jikan_sync.queue_heads := ('-infinity', 0, '-infinity', 0, NULL);
    v_heads jikan_sync.queue_heads := coalesce(jikan_sync.recall_heads(lane), v_beginning);
    v_is_recalled boolean := v_heads.until IS NOT NULL;
    v_started_at timestamptz := clock_timestamp();
    v_turn bigint;
    v_left integer := claim.max_tasks;
    v_high integer;
    v_high_if_aged integer;
    v_found integer;
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
    -- What readers wished for becomes tasks here, just before it is looked for.
    -- Where only the sequence went on, wishes were rolled back or are not committed yet: they must
    -- not count as waiting, or nobody could wish any more.
    IF EXISTS (SELECT FROM jikan_sync.wish AS w)
        OR (SELECT s.last_value FROM jikan_sync.wish_id_seq AS s)
        > (SELECT f.folded_id FROM jikan_sync.wish_fold AS f)
    THEN
        PERFORM jikan_sync.fold_wishes();
    END IF;
    v_now := jikan_sync.clock_now();  -- after the fold, or what it queued is not ready yet
    v_expires_at := jikan_sync.later(v_now, jikan_sync.setting_interval('lease_duration'));
    v_aged_before := jikan_sync.earlier(v_now, jikan_sync.setting_interval('low_ages_after'));
    IF claim.lane = 'jikan' AND NOT jikan_sync.upstream_available(keys => claim.keys) THEN
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
    v_high := max_tasks - jikan_sync.slots(v_turn, max_tasks, v_share);
    v_high_if_aged := max_tasks - jikan_sync.slots(v_turn, max_tasks, greatest(v_share, 0.5));

    -- High ones up to what low keeps for itself, then low ones. Where that is too few, once more
    -- without a share for low and from the very beginning.
    FOR v_look IN 1..2 LOOP
        RETURN QUERY
        WITH high AS MATERIALIZED (
            SELECT q.id
            FROM jikan_sync.queue AS q
            WHERE
                q.lane = claim.lane
                AND q.priority = 'high'
                AND q.ready_at <= v_now
                AND (q.ready_at, q.id) >= (v_heads.high_at, v_heads.high_id)
                AND q.lease_token IS NULL
            ORDER BY q.ready_at, q.id
            LIMIT
                CASE
                    WHEN
                        v_high_if_aged <> v_high
                        AND EXISTS (
                            SELECT FROM jikan_sync.queue AS a
                            WHERE
                                a.lane = claim.lane
                                AND a.priority = 'low'
                                AND a.ready_at <= v_aged_before
                                AND (a.ready_at, a.id) >= (v_heads.low_at, v_heads.low_id)
                                AND a.lease_token IS NULL
                        )
                        THEN v_high_if_aged
                    ELSE v_high
                END
            FOR UPDATE SKIP LOCKED
        ),

        low AS MATERIALIZED (
            SELECT q.id
            FROM jikan_sync.queue AS q
            WHERE
                q.lane = claim.lane
                AND q.priority = 'low'
                AND q.ready_at <= v_now
                AND (q.ready_at, q.id) >= (v_heads.low_at, v_heads.low_id)
                AND q.lease_token IS NULL
            ORDER BY q.ready_at, q.id
            LIMIT v_left - (SELECT count(*) FROM high)
            FOR UPDATE SKIP LOCKED
        ),

        leased AS (
            UPDATE jikan_sync.queue AS q SET
                leased_by = claim.worker,
                lease_token = v_token,
                lease_expires_at = v_expires_at
            FROM (SELECT h.id FROM high AS h UNION ALL SELECT l.id FROM low AS l) AS picked
            WHERE q.id = picked.id
            RETURNING
                q.id, q.task, q.anime_id, q.mal_id, q.payload, q.priority, q.attempts,
                q.lease_token, q.lease_expires_at, q.dedupe_key
        ),

        noted AS (
            INSERT INTO jikan_sync.lease AS l (token, worker, task_ids)
            SELECT v_token, claim.worker, array_agg(d.id)
            FROM leased AS d
            HAVING count(*) > 0
            ON CONFLICT ON CONSTRAINT lease_pkey DO UPDATE SET
                task_ids = l.task_ids || excluded.task_ids
        )

        SELECT d.* FROM leased AS d;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        v_left := v_left - v_found;
        EXIT WHEN v_left = 0;
        v_heads := v_beginning;
        v_high := v_left;
        v_high_if_aged := v_left;
    END LOOP;

    IF v_left = 0
        AND NOT v_is_recalled
        AND pg_stat_get_dead_tuples('jikan_sync.queue'::regclass) >= 1000
    THEN
        PERFORM jikan_sync.remember_heads(lane, clock_timestamp() - v_started_at);
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.claim(text, text, integer, text[]) IS
'Leases up to `max_tasks` ready tasks of a lane (jikan or embedding) to `worker`: high ones first,
with a share for low ones; none while no provider of the lane is available, asked with the server
`keys` that the worker has (see `jikan_sync.upstream_available`). Raises: 22023.';

GRANT EXECUTE ON FUNCTION jikan_sync.claim(text, text, integer, text[]) TO jikan_sidecar;

COMMIT;
