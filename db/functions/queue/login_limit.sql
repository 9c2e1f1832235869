-- Deploy pgjikan:functions/queue/login_limit to pg
-- requires: schema/wish
-- requires: schema/ledger
-- requires: schema/search_request
-- requires: functions/queue/flood_limit
-- requires: schema/queue
-- requires: schema/clock

-- How much a login may put upstream. A flood is mostly junk, and what gives it away is that
-- upstreams find nothing: a login whose questions come to nothing may ask ever fewer. Limits are
-- each login's own, so that one's flood is not another's silence: where too many wait, whose they
-- are is refused, and anybody else goes behind them. Texts to embed have no such answer, but the
-- same limit. What is counted here is written by the fold of
-- wishes only, never by a reader.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.search_allowance(login text)
RETURNS numeric
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_answers CONSTANT integer := 20;
BEGIN
    RETURN (
        SELECT
            jikan_sync.setting_number('search_per_minute')
            * (1 - 0.95 * count(*) FILTER (WHERE s.mal_ids = '{}') / c_answers)
        FROM (
            SELECT r.mal_ids
            FROM jikan_sync.search_request AS r
            WHERE r.requested_by = search_allowance.login
                AND r.answered_at > (SELECT jikan_sync.ago('10 minutes'))
            ORDER BY r.answered_at DESC
            LIMIT c_answers
        ) AS s
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_allowance(text) IS
'How many new questions of a minute this login may ask as high: `search_per_minute`, less what its
last twenty answers of ten minutes say, down to a twentieth where all of them were empty.';

CREATE FUNCTION jikan_sync.search_priority(login text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_high numeric := jikan_sync.search_allowance(login);
    v_per_hour numeric := jikan_sync.setting_number('search_per_hour');
    v_max integer := jikan_sync.setting_number('max_live_searches');
    v_now timestamptz := jikan_sync.clock_now();
    v_priority text;
    v_minute integer;
    v_hour integer;
BEGIN
    SELECT count(*) FILTER (WHERE r.requested_at > jikan_sync.earlier(v_now, '1 minute')), count(*)
    INTO v_minute, v_hour
    FROM (
        SELECT s.requested_at
        FROM jikan_sync.search_request AS s
        WHERE s.requested_by = search_priority.login
            AND s.requested_at > jikan_sync.earlier(v_now, '1 hour')
        ORDER BY s.requested_at DESC
        LIMIT ceil(v_per_hour)
    ) AS r;
    IF v_minute >= 2 * v_high OR v_hour >= v_per_hour THEN
        RETURN NULL;
    END IF;
    v_priority := jikan_sync.flood_limit(
        'search', NULL, CASE WHEN v_minute < v_high THEN 'high' ELSE 'low' END
    );
    IF v_priority IS NULL AND v_max > (
        SELECT count(*)
        FROM (
            SELECT s.query_key
            FROM jikan_sync.search_request AS s
            WHERE s.requested_by = search_priority.login
                AND s.requested_at IS NOT NULL
            ORDER BY s.requested_at DESC
            LIMIT 3 * v_max
        ) AS asked
        INNER JOIN jikan_sync.queue AS q ON q.dedupe_key = 'search:' || asked.query_key
    ) THEN
        RETURN 'low';
    END IF;
    RETURN v_priority;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_priority(text) IS
'The priority that a new question of this login may have upstream; NULL: it asked too much lately,
or too much that came to nothing, or too many of its own wait.';

CREATE FUNCTION jikan_sync.unknown_allowance(login text)
RETURNS numeric
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_answers CONSTANT integer := 20;
BEGIN
    RETURN (
        SELECT
            jikan_sync.setting_number('unknown_per_minute')
            * (1 - 0.95 * count(*) FILTER (WHERE s.outcome = 'not_found') / c_answers)
        FROM (
            SELECT l.outcome
            FROM jikan_sync.ledger AS l
            WHERE l.wished_by = unknown_allowance.login
                AND l.wished_at > (SELECT jikan_sync.ago('10 minutes'))
                AND l.outcome IS NOT NULL
            ORDER BY l.wished_at DESC
            LIMIT c_answers
        ) AS s
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.unknown_allowance(text) IS
'How many ids that are not mirrored this login may ask for as high in a minute:
`unknown_per_minute`, less what the last twenty answers of ten minutes say, down to a twentieth
where none exists.';

CREATE FUNCTION jikan_sync.unknown_priority(login text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_high numeric := jikan_sync.unknown_allowance(login);
    v_per_hour numeric := jikan_sync.setting_number('unknown_per_hour');
    v_max integer := jikan_sync.setting_number('max_unknown_anime');
    v_now timestamptz := jikan_sync.clock_now();
    v_minute integer;
    v_hour integer;
BEGIN
    SELECT count(*) FILTER (WHERE l.wished_at > jikan_sync.earlier(v_now, '1 minute')), count(*)
    INTO v_minute, v_hour
    FROM (
        SELECT w.wished_at
        FROM jikan_sync.ledger AS w
        WHERE w.wished_by = unknown_priority.login
            AND w.wished_at > jikan_sync.earlier(v_now, '1 hour')
        ORDER BY w.wished_at DESC
        LIMIT ceil(v_per_hour)
    ) AS l;
    IF v_minute >= 2 * v_high OR v_hour >= v_per_hour THEN
        RETURN NULL;
    END IF;
    IF jikan_sync.flood_limit('anime', NULL, 'high') IS NOT NULL THEN
        RETURN CASE WHEN v_minute < v_high THEN 'high' ELSE 'low' END;
    END IF;
    IF v_max > (
        SELECT count(*)
        FROM (
            SELECT l.mal_id
            FROM jikan_sync.ledger AS l
            WHERE l.wished_by = unknown_priority.login
            ORDER BY l.wished_at DESC
            LIMIT 3 * v_max
        ) AS asked
        INNER JOIN jikan_sync.queue AS q ON q.dedupe_key = 'anime:' || asked.mal_id
    ) THEN
        RETURN 'low';
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.unknown_priority(text) IS
'The priority that an id which is not mirrored may have upstream for this login; NULL: it asked too
much lately, or too much that does not exist, or too many of its own wait.';

CREATE FUNCTION jikan_sync.query_vector_priority(login text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_max integer := jikan_sync.setting_number('max_live_query_embeddings');
    v_priority text := jikan_sync.flood_limit('embed_query', NULL, 'high');
BEGIN
    -- Not behind the others but beside them: many texts go in one request, so none waits for long.
    IF v_priority IS NULL AND v_max > (
        SELECT count(*)
        FROM (
            SELECT
            FROM jikan_sync.queue AS q
            WHERE q.task = 'embed_query'
                AND q.payload ->> 'requested_by' = query_vector_priority.login
            LIMIT v_max
        ) AS waiting
    ) THEN
        RETURN 'high';
    END IF;
    RETURN v_priority;
END;
$$;

COMMENT ON FUNCTION jikan_sync.query_vector_priority(text) IS
'The priority that a new query text of this login may have to be embedded; NULL: too many of its own
wait.';

CREATE FUNCTION jikan_sync.facet_priority(logins text[], facet text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_per_minute numeric := jikan_sync.setting_number('facet_per_minute');
    v_low_limit numeric := jikan_sync.setting_number('max_low_facets');
    v_now timestamptz := jikan_sync.clock_now();
    v_login text;
BEGIN
    FOREACH v_login IN ARRAY logins LOOP
        INSERT INTO jikan_sync.login_count AS c (login, began_at, high_count)
        SELECT v_login, v_now, 1
        WHERE v_per_minute >= 1
        ON CONFLICT ON CONSTRAINT login_count_pkey DO UPDATE SET
            began_at = CASE
                WHEN c.began_at <= jikan_sync.earlier(v_now, '1 minute') THEN v_now
                ELSE c.began_at
            END,
            high_count = CASE
                WHEN c.began_at <= jikan_sync.earlier(v_now, '1 minute') THEN 1
                ELSE c.high_count + 1
            END
        WHERE c.began_at <= jikan_sync.earlier(v_now, '1 minute')
            OR c.high_count + 1 <= v_per_minute;
        IF FOUND THEN
            RETURN 'high';
        END IF;
    END LOOP;
    -- There are only as many fetches of titles as titles; of facets there are many times more.
    IF facet <> 'core' AND (
        SELECT count(*) FROM (
            SELECT FROM jikan_sync.queue AS q
            WHERE q.task IN ('search', 'embed_query', 'facet')
                AND q.task = 'facet'
                AND q.priority = 'low'
            LIMIT v_low_limit
        ) AS live
    ) >= v_low_limit THEN
        RETURN NULL;
    END IF;
    RETURN 'low';
END;
$$;

COMMENT ON FUNCTION jikan_sync.facet_priority(text[], text) IS
'The priority that a fetch of a mirrored title''s `facet` may have, wished for as high by `logins`
(none: as low): high while one of them has not used up its `facet_per_minute`, and counted against
that; else low, or NULL while `max_low_facets` wait.';

COMMIT;
