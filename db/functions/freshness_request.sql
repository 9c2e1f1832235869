-- Deploy pgjikan:functions/freshness_request to pg
-- requires: functions/freshness_age
-- requires: functions/enqueue

-- What a read asks of the queue: a refresh of the stale among what it found. A reader never waits
-- for another one's transaction: where both ask for the same title, the later leaves it to the
-- other. What is on its way already, or became a dead letter lately, costs the reader no write.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, description)
VALUES
(
    'dead_letter_pause', '7 days', 'interval',
    'For so long after a task became a dead letter, reads do not ask for it again.'
);

CREATE FUNCTION jikan_sync.needs_task(task text, mal_id integer, priority text)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        NOT EXISTS (
            SELECT
            FROM jikan_sync.queue AS q
            WHERE
                q.dedupe_key
                = jikan_sync.task_key(needs_task.task, needs_task.mal_id, null, '{}')
                AND (
                    q.priority = 'high'
                    OR needs_task.priority = 'low'
                    OR q.lease_token IS NOT null
                )
        )
        AND NOT EXISTS (
            SELECT
            FROM jikan_sync.dead_letter AS d
            WHERE
                d.dedupe_key
                = jikan_sync.task_key(needs_task.task, needs_task.mal_id, null, '{}')
                AND d.died_at
                > jikan_sync.clock_now() - jikan_sync.setting_interval('dead_letter_pause')
        );
END;

COMMENT ON FUNCTION jikan_sync.needs_task(text, integer, text) IS
'Whether a read should ask for the task: not on its way with that priority, and not lately dead.';

CREATE FUNCTION jikan_sync.request_task(task text, mal_id integer, priority text)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_timeout text := current_setting('lock_timeout');
    v_is_queued boolean := false;
BEGIN
    IF NOT jikan_sync.needs_task(task, mal_id, priority) THEN
        RETURN false;
    END IF;
    BEGIN
        PERFORM set_config('lock_timeout', '5ms', true);
        v_is_queued := jikan_sync.enqueue(task, mal_id, priority => priority) IS NOT NULL;
    EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
            NULL;  -- another transaction is asking for the same
    END;
    PERFORM set_config('lock_timeout', v_timeout, true);
    RETURN v_is_queued;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_task(text, integer, text) IS
'Asks for a task on behalf of a read, without ever waiting; answers whether it queued something.';

CREATE FUNCTION jikan_sync.request_refresh(mal_ids integer[], high_limit integer DEFAULT 2)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_stale integer[];
    v_count integer := 0;
    v_mal_id integer;
BEGIN
    -- In the order of the caller, whose first titles matter most.
    SELECT array_agg(a.mal_id ORDER BY asked.place) INTO v_stale
    FROM (
        SELECT m.mal_id, min(m.place) AS place
        FROM unnest(request_refresh.mal_ids) WITH ORDINALITY AS m (mal_id, place)
        GROUP BY m.mal_id
    ) AS asked
    INNER JOIN jikan.anime AS a ON a.mal_id = asked.mal_id
    WHERE a.removed_at IS NULL AND jikan_sync.is_stale('core', a.status, a.last_jikan_sync);

    FOR v_place IN 1..coalesce(cardinality(v_stale), 0) LOOP
        v_mal_id := v_stale[v_place];
        v_count := v_count + jikan_sync.request_task(
            'anime', v_mal_id, CASE WHEN v_place <= high_limit THEN 'high' ELSE 'low' END
        )::integer;
    END LOOP;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_refresh(integer[], integer) IS
'Queues a /full document for those of the mirrored titles whose core is stale: the first
`high_limit` as high, the rest as low; answers how many tasks are new or raised.';

CREATE FUNCTION jikan_sync.request_facets(mal_id integer)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_anime jikan.anime;
    v_tasks text[];
    v_count integer := 0;
BEGIN
    SELECT a.* INTO v_anime FROM jikan.anime AS a WHERE a.mal_id = request_facets.mal_id;
    IF NOT FOUND THEN
        IF request_facets.mal_id IS NULL OR request_facets.mal_id < 1 THEN
            RETURN 0;
        END IF;
        RETURN jikan_sync.request_task('anime', request_facets.mal_id, 'high')::integer;
    END IF;
    IF v_anime.removed_at IS NOT NULL THEN
        RETURN 0;
    END IF;

    -- One /full document pays for core, themes, relations and links together.
    v_tasks := array_remove(
        ARRAY[
            CASE
                WHEN jikan_sync.is_stale('core', v_anime.status, v_anime.last_jikan_sync)
                    OR jikan_sync.is_stale('themes', v_anime.status, v_anime.full_synced_at)
                    OR jikan_sync.is_stale('relations', v_anime.status, v_anime.full_synced_at)
                    OR jikan_sync.is_stale('links', v_anime.status, v_anime.full_synced_at)
                    THEN 'anime'
            END,
            CASE
                WHEN jikan_sync.is_stale('images', v_anime.status, v_anime.images_synced_at)
                    THEN 'pictures'
            END,
            CASE
                WHEN jikan_sync.is_stale('reviews', v_anime.status, v_anime.reviews_synced_at)
                    THEN 'reviews'
            END
        ],
        NULL
    );
    FOR v_place IN 1..cardinality(v_tasks) LOOP
        v_count := v_count + jikan_sync.request_task(
            v_tasks[v_place],
            request_facets.mal_id,
            CASE WHEN v_place <= 2 THEN 'high' ELSE 'low' END
        )::integer;
    END LOOP;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_facets(integer) IS
'Queues what is stale or was never fetched of a title, the first two as high; an unknown id is
fetched as high. Answers how many tasks are new or raised.';

COMMIT;
