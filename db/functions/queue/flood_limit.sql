-- Deploy pgjikan:functions/queue/flood_limit to pg
-- requires: schema/queue

-- The caps over everybody against floods: how many tasks of a kind may wait at once. Where they say
-- no, `functions/queue/login_limit` tells the login whose they are from the others.

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

COMMIT;
