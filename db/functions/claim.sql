-- Deploy pgjikan:functions/claim to pg
-- requires: functions/enqueue

-- How a worker gets tasks. High goes first, low keeps a share of the turns, and where a low task
-- has waited too long, low takes turns with high. The turn comes from a sequence, so the share
-- holds over all workers and costs no row.
--
-- While some transaction stays open for long, the index entries of finished tasks cannot go away,
-- and they all lie at the head, where every claim begins. So a session that had to walk over many
-- remembers where it found the first live one and begins there, for twenty times as long as the
-- walk took: at most a twentieth of the time goes into walking, however many there are, and a task
-- that comes in behind the head waits no longer than that.

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

CREATE TYPE jikan_sync.queue_head AS (
    ready_at timestamptz,
    id bigint,
    until timestamptz
);

COMMENT ON TYPE jikan_sync.queue_head IS
'Where a session begins to look for tasks, and until when it does so.';

CREATE FUNCTION jikan_sync.recall_head(lane text, priority text)
RETURNS jikan_sync.queue_head
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kept text := current_setting('pgjikan.head_' || lane || '_' || priority, true);
    v_head jikan_sync.queue_head;
BEGIN
    IF v_kept <> '' THEN
        v_head := v_kept::jikan_sync.queue_head;
        IF v_head.until > clock_timestamp() THEN
            RETURN v_head;
        END IF;
    END IF;
    RETURN ('-infinity'::timestamptz, 0::bigint, NULL::timestamptz)::jikan_sync.queue_head;
END;
$$;

COMMENT ON FUNCTION jikan_sync.recall_head(text, text) IS
'Where this session begins to look for tasks of a lane and priority: at the beginning, unless the
walk from there was long a short while ago.';

CREATE FUNCTION jikan_sync.remember_head(
    lane text,
    priority text,
    head jikan_sync.queue_head,
    ready_at timestamptz,
    id bigint,
    walked bigint,
    walked_for interval
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_until timestamptz := head.until;
BEGIN
    IF (ready_at, id) < (head.ready_at, head.id) THEN
        RETURN;
    END IF;
    IF v_until IS NULL THEN
        IF walked < 1000 THEN
            RETURN;
        END IF;
        v_until := clock_timestamp() + least(20 * walked_for, interval '10 seconds');
    END IF;
    PERFORM set_config(
        'pgjikan.head_' || lane || '_' || priority,
        (ready_at, id, v_until)::jikan_sync.queue_head::text,
        false
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.remember_head(
    text, text, jikan_sync.queue_head, timestamptz, bigint, bigint, interval
) IS
'Keeps the first live task that a claim found, where it walked over many index entries to it.';

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
    v_expires_at timestamptz := v_now + jikan_sync.setting_interval('lease_duration');
    v_share numeric := least(jikan_sync.setting_number('low_share'), 1);
    v_turn bigint;
    v_left integer := claim.max_tasks;
    v_wanted integer;
    v_priority text;
    v_head jikan_sync.queue_head;
    v_found record;
    v_first_at timestamptz;
    v_first_id bigint;
    v_read_before bigint;
    v_started_at timestamptz;
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
    FOR v_step IN 1..3 LOOP
        v_priority := CASE v_step WHEN 2 THEN 'high' ELSE 'low' END;
        v_head := jikan_sync.recall_head(claim.lane, v_priority);
        v_wanted := v_left;
        IF v_step = 1 THEN
            IF EXISTS (
                SELECT FROM jikan_sync.queue AS q
                WHERE
                    q.lane = claim.lane
                    AND q.priority = 'low'
                    AND q.ready_at <= v_now - jikan_sync.setting_interval('low_ages_after')
                    AND (q.ready_at, q.id) >= (v_head.ready_at, v_head.id)
                    AND q.lease_token IS NULL
            ) THEN
                v_share := greatest(v_share, 0.5);
            END IF;
            v_wanted := jikan_sync.slots(v_turn, max_tasks, v_share);
        END IF;
        CONTINUE WHEN v_wanted = 0;

        v_first_at := NULL;
        v_started_at := clock_timestamp();
        v_read_before := pg_stat_get_xact_tuples_returned('jikan_sync.queue_claim_idx'::regclass);
        FOR v_found IN
            WITH picked AS MATERIALIZED (
                SELECT q.id
                FROM jikan_sync.queue AS q
                WHERE
                    q.lane = claim.lane
                    AND q.priority = v_priority
                    AND q.ready_at <= v_now
                    AND (q.ready_at, q.id) >= (v_head.ready_at, v_head.id)
                    AND q.lease_token IS NULL
                ORDER BY q.ready_at, q.id
                LIMIT v_wanted
                FOR UPDATE SKIP LOCKED
            )

            UPDATE jikan_sync.queue AS q SET
                leased_by = claim.worker,
                lease_token = gen_random_uuid(),
                lease_expires_at = v_expires_at
            FROM picked
            WHERE q.id = picked.id
            RETURNING
                q.ready_at,
                (
                    q.id, q.task, q.anime_id, q.mal_id, q.payload, q.priority, q.attempts,
                    q.lease_token, q.lease_expires_at, q.dedupe_key
                )::jikan_sync.claimed_task AS task
        LOOP
            IF v_first_at IS NULL
                OR (v_found.ready_at, (v_found.task).id) < (v_first_at, v_first_id)
            THEN
                v_first_at := v_found.ready_at;
                v_first_id := (v_found.task).id;
            END IF;
            v_left := v_left - 1;
            RETURN NEXT v_found.task;
        END LOOP;
        PERFORM jikan_sync.remember_head(
            claim.lane, v_priority, v_head,
            coalesce(v_first_at, v_now), coalesce(v_first_id, 0),
            pg_stat_get_xact_tuples_returned('jikan_sync.queue_claim_idx'::regclass)
            - coalesce(v_read_before, 0),
            clock_timestamp() - v_started_at
        );
        EXIT WHEN v_left = 0;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION jikan_sync.claim(text, text, integer) IS
'Leases up to `max_tasks` ready tasks of a lane (jikan or embedding) to `worker`: high ones first,
with a share for low ones; none while no provider of the lane is available. Raises: 22023.';

GRANT EXECUTE ON FUNCTION jikan_sync.claim(text, text, integer) TO jikan_sidecar;

COMMIT;
