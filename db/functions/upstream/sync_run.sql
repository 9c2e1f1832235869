-- Deploy pgjikan:functions/upstream/sync_run to pg
-- requires: schema/sync_run
-- requires: functions/queue/enqueue

-- Starting a run and walking it on. The queue is the checkpoint: a running run has one live task,
-- for the page after the one stored last. One that lacks it (somebody emptied the queue, a dump was
-- restored without it) is taken up again like one that stalled.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.run_key(kind text, year integer, season text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        jikan_sync.task_key(
            run_key.kind,
            NULL,
            NULL,
            jsonb_strip_nulls(jsonb_build_object('year', run_key.year, 'season', run_key.season))
        );
END;

COMMENT ON FUNCTION jikan_sync.run_key(text, integer, text) IS
'The key in the queue of whichever page of a run is next.';

CREATE FUNCTION jikan_sync.has_task(run jikan_sync.sync_run)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM jikan_sync.queue AS q
        WHERE q.dedupe_key = jikan_sync.run_key(run.kind, run.year, run.season)
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.has_task(jikan_sync.sync_run) IS
'Whether the next page of a run is in the queue.';

CREATE FUNCTION jikan_sync.is_walking(run jikan_sync.sync_run)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN run.state = 'running'
        AND run.advanced_at
        > jikan_sync.ago(jikan_sync.setting_interval('sync_resume_after'))
        AND jikan_sync.has_task(run);
END;
$$;

COMMENT ON FUNCTION jikan_sync.is_walking(jikan_sync.sync_run) IS
'Whether a run gets on: it is running, its next page is in the queue, and it began or stored a page
less than `sync_resume_after` ago. One that is neither this nor finished stands still.';

CREATE FUNCTION jikan_sync.enqueue_page(run jikan_sync.sync_run)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jikan_sync.enqueue(
        task => run.kind,
        payload => jsonb_strip_nulls(
            jsonb_build_object(
                'year', run.year,
                'season', run.season,
                'page', run.page_count + 1,
                'run_id', run.id
            )
        ),
        priority => run.priority
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.enqueue_page(jikan_sync.sync_run) IS
'Queues the page after the one that `run` stored last; where its task is already there, nothing
new.';

CREATE FUNCTION jikan_sync.start_sync_run(
    kind text,
    year integer DEFAULT NULL,
    season text DEFAULT NULL,
    priority text DEFAULT 'low',
    unless_finished_within interval DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column  -- ON CONFLICT cannot qualify its columns
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_run jikan_sync.sync_run;
BEGIN
    SELECT r.*
    INTO v_run
    FROM jikan_sync.sync_run AS r
    WHERE r.kind = start_sync_run.kind
        AND r.year IS NOT DISTINCT FROM start_sync_run.year
        AND r.season IS NOT DISTINCT FROM start_sync_run.season
        AND r.finished_at > jikan_sync.earlier(v_now, unless_finished_within)
        AND NOT EXISTS (
            SELECT
            FROM jikan_sync.sync_run AS u
            WHERE u.kind = r.kind
                AND u.year IS NOT DISTINCT FROM r.year
                AND u.season IS NOT DISTINCT FROM r.season
                AND u.state <> 'finished'
        )
    ORDER BY r.finished_at DESC
    LIMIT 1;
    IF FOUND THEN
        RETURN v_run.id;
    END IF;

    -- The task before the run, as everywhere: an answer to it may be being stored just now.
    PERFORM
    FROM jikan_sync.queue AS q
    WHERE q.dedupe_key = jikan_sync.run_key(kind, year, season)
    FOR UPDATE;
    BEGIN
        INSERT INTO jikan_sync.sync_run AS r (kind, year, season, priority, started_at, advanced_at)
        VALUES (
            start_sync_run.kind,
            start_sync_run.year,
            start_sync_run.season,
            start_sync_run.priority,
            v_now,
            v_now
        )
        ON CONFLICT (kind, year, season) WHERE state IN ('running', 'stalled') DO UPDATE
        SET
            priority = CASE WHEN excluded.priority = 'high' THEN 'high' ELSE r.priority END,
            state = 'running',
            stalled_at = NULL
        RETURNING r.* INTO v_run;
    EXCEPTION
        WHEN check_violation OR not_null_violation THEN
            RAISE EXCEPTION USING
                ERRCODE = 'invalid_parameter_value',
                MESSAGE = format(
                    'there is no %s run of season %s, year %s, priority %s',
                    coalesce(kind, 'NULL'),
                    coalesce(season, 'NULL'),
                    coalesce(year::text, 'NULL'),
                    coalesce(priority, 'NULL')
                ),
                HINT = 'kind is season, catalogue or recommendations; season is winter, spring, summer or fall with '
                    'a year, or now, upcoming or airing without; priority is high or low.';
    END;
    PERFORM jikan_sync.enqueue_page(v_run);
    RETURN v_run.id;
END;
$$;

COMMENT ON FUNCTION jikan_sync.start_sync_run(text, integer, text, text, interval) IS
'Starts a walk through a season, the catalogue or recent recommendations and answers its id. One
that is running or stalled goes on where it stands, its task queued again where it was lost; one
that finished within `unless_finished_within` is answered as it is. Raises: 22023 (no such season,
kind or priority).';

GRANT EXECUTE ON FUNCTION jikan_sync.start_sync_run(text, integer, text, text, interval)
TO jikan_sidecar;

CREATE FUNCTION jikan_sync.pagination_count(pagination jsonb, path text[])
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN (pagination_count.pagination #>> pagination_count.path) ~ '^[0-9]{1,9}$'
            THEN (pagination_count.pagination #>> pagination_count.path)::integer
    END;
END;

COMMENT ON FUNCTION jikan_sync.pagination_count(jsonb, text[]) IS
'A count that an upstream tells beside a page; NULL where it tells nothing that can be one: the
page itself is none the worse.';

CREATE FUNCTION jikan_sync.advance_sync_run(payload jsonb, pagination jsonb, mal_ids integer[])
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_page integer := coalesce((payload ->> 'page')::integer, 1);
    v_has_next boolean := coalesce(pagination -> 'has_next_page' = 'true', false)
        AND cardinality(mal_ids) > 0
        AND v_page < jikan_sync.setting_number('sync_pages_max');
    v_run jikan_sync.sync_run;
BEGIN
    SELECT r.* INTO v_run
    FROM jikan_sync.sync_run AS r
    WHERE r.id = (payload ->> 'run_id')::bigint
        AND r.state <> 'finished'
        AND r.page_count < v_page;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_run.page_count := v_page;
    IF v_has_next THEN
        PERFORM jikan_sync.enqueue_page(v_run);
    END IF;
    INSERT INTO jikan_sync.sync_run_title (run_id, mal_id)
    SELECT DISTINCT v_run.id, m.mal_id FROM unnest(mal_ids) AS m (mal_id)
    ON CONFLICT ON CONSTRAINT sync_run_title_pkey DO NOTHING;
    UPDATE jikan_sync.sync_run AS r
    SET
        page_count = v_page,
        item_count = r.item_count + cardinality(mal_ids),
        last_page = coalesce(
            jikan_sync.pagination_count(pagination, '{last_visible_page}'), r.last_page
        ),
        total_count = coalesce(
            jikan_sync.pagination_count(pagination, '{items,total}'), r.total_count
        ),
        advanced_at = v_now,
        state = CASE WHEN v_has_next THEN 'running' ELSE 'finished' END,
        stalled_at = NULL,
        finished_at = CASE WHEN NOT v_has_next THEN v_now END,
        seen_count = CASE
            WHEN NOT v_has_next
                THEN (
                    SELECT count(*) FROM jikan_sync.sync_run_title AS t WHERE t.run_id = v_run.id
                )
        END
    WHERE r.id = v_run.id;
    IF NOT v_has_next THEN
        DELETE FROM jikan_sync.sync_run_title AS t WHERE t.run_id = v_run.id;
    END IF;
    RETURN v_has_next;
END;
$$;

COMMENT ON FUNCTION jikan_sync.advance_sync_run(jsonb, jsonb, integer[]) IS
'Notes that the page of `payload` is stored, with the titles `mal_ids`, and queues the next while
the upstream''s `pagination` says that there is one. To be called in the transaction that stores the
page, after the page''s own task was completed. Answers whether there is more. A page without a run,
or one that was counted before, changes nothing. A finished run knows how many different titles it
saw.';

CREATE FUNCTION jikan_sync.resume_sync_runs()
RETURNS integer
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT count(jikan_sync.start_sync_run(r.kind, r.year, r.season, r.priority))::integer
    FROM jikan_sync.sync_run AS r
    WHERE
        r.state = 'stalled'
        AND r.stalled_at
        <= (SELECT jikan_sync.ago(jikan_sync.setting_interval('sync_resume_after')))
        OR r.state = 'running'
        AND NOT jikan_sync.has_task(r);
END;

COMMENT ON FUNCTION jikan_sync.resume_sync_runs() IS
'Takes up again the walks that stalled `sync_resume_after` ago, and those whose task was lost, at
the page they stand at; answers how many.';

CREATE FUNCTION jikan_sync.sync_run_progress(run_id bigint)
RETURNS TABLE (
    page_count integer,
    last_page integer,
    item_count integer,
    total_count integer,
    next_try_at timestamptz,
    state text,
    elapsed interval,
    trouble text
)
LANGUAGE sql
STABLE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH run AS (
        SELECT
            r.*,
            jikan_sync.run_key(r.kind, r.year, r.season) AS dedupe_key
        FROM jikan_sync.sync_run AS r
        WHERE r.id = sync_run_progress.run_id
    )

    SELECT
        r.page_count,
        r.last_page,
        r.item_count,
        r.total_count,
        q.ready_at AS next_try_at,
        CASE WHEN r.state = 'running' AND q.id IS NULL THEN 'stalled' ELSE r.state END AS state,
        coalesce(r.finished_at, jikan_sync.clock_now()) - r.started_at AS elapsed,
        coalesce(q.errors -> -1 ->> 'message', d.message) AS trouble
    FROM run AS r
    LEFT JOIN jikan_sync.queue AS q ON r.dedupe_key = q.dedupe_key AND r.state <> 'finished'
    LEFT JOIN jikan_sync.dead_letter AS d
        ON r.dedupe_key = d.dedupe_key AND r.state <> 'finished' AND q.id IS NULL;
END;

COMMENT ON FUNCTION jikan_sync.sync_run_progress(bigint) IS
'How far a run is. `state`: running, finished, or stalled (its task became a dead letter: start the
run again); `next_try_at` and `trouble`: when its task may be done, and what it failed at last.';

GRANT EXECUTE ON FUNCTION jikan_sync.sync_run_progress(bigint) TO jikan_sidecar;

COMMIT;
