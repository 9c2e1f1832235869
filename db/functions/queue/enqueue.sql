-- Deploy pgjikan:functions/queue/enqueue to pg
-- requires: functions/queue/put_tasks
-- requires: functions/queue/flood_limit

-- The ways into the queue for whoever works in the background; readers only append wishes.

BEGIN;

SET LOCAL ROLE jikan_owner;

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
    v_priority text := enqueue.priority;
    v_anime_id bigint;
    v_key text;
    v_live_id bigint;
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
    IF v_key IS NULL OR enqueue.mal_id < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('a task %L cannot be made of mal_id %s and payload %s',
                             enqueue.task, coalesce(enqueue.mal_id::text, 'NULL'),
                             coalesce(enqueue.payload::text, 'NULL')),
            HINT = 'anime takes a mal_id; facet a mal_id, and the facet in the payload; embed the '
                   'mal_id of a mirrored anime; search and embed_query a query_key, season a '
                   'season (and year) in the payload; catalogue and recommendations nothing.';
    END IF;

    SELECT q.id INTO v_live_id FROM jikan_sync.queue AS q WHERE q.dedupe_key = v_key;
    IF NOT FOUND THEN
        v_priority := jikan_sync.flood_limit(enqueue.task, v_anime_id, enqueue.priority);
        IF v_priority IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;

    SELECT p.id INTO v_id
    FROM jikan_sync.put_tasks(ARRAY[
        ROW(
            enqueue.task, v_anime_id, enqueue.mal_id, enqueue.payload, v_priority,
            enqueue.ready_at, NULL, NULL
        )::jikan_sync.new_task
    ]) AS p (id);
    RETURN coalesce(v_id, v_live_id);
END;
$$;

COMMENT ON FUNCTION jikan_sync.enqueue(text, integer, jsonb, text, timestamptz) IS
'Asks for a task, once: the id of the live task for it, new or known, or NULL when a cap against
floods refuses it. `ready_at` defaults to now; infinity holds it. Raises: 22023.';

CREATE FUNCTION jikan_sync.enqueue_many(
    task text,
    mal_ids integer[],
    priority text DEFAULT 'low',
    ready_at timestamptz DEFAULT NULL,
    payload jsonb DEFAULT '{}'
)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF enqueue_many.task IS NULL
        OR enqueue_many.task NOT IN ('anime', 'facet', 'embed')
        OR enqueue_many.task = 'facet' AND coalesce(enqueue_many.payload ->> 'facet', '') = ''
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('tasks %L cannot be made of ids', enqueue_many.task),
            HINT = 'anime or embed, or facet with {"facet": …} as payload';
    END IF;
    RETURN (
        SELECT count(*)
        FROM jikan_sync.put_tasks(
            ARRAY(
                SELECT
                    ROW(
                        enqueue_many.task, a.id, asked.mal_id, enqueue_many.payload,
                        enqueue_many.priority, enqueue_many.ready_at, NULL, NULL
                    )::jikan_sync.new_task
                FROM (
                    SELECT DISTINCT m.mal_id FROM unnest(enqueue_many.mal_ids) AS m (mal_id)
                ) AS asked
                LEFT JOIN jikan.anime AS a ON a.mal_id = asked.mal_id
                WHERE asked.mal_id > 0
                    AND (a.id IS NOT NULL OR enqueue_many.task <> 'embed')
            )
        )
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.enqueue_many(text, integer[], text, timestamptz, jsonb) IS
'Asks for the same task for many titles in one statement; answers how many tasks are new or changed.
Ids that cannot be are left out, for embed those that are not mirrored too. Not capped: bulk is the
owner''s. Raises: 22023.';

COMMIT;
