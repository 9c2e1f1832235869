-- Deploy pgjikan:functions/search_limit to pg
-- requires: schema/search_request
-- requires: functions/enqueue

-- How many questions a login may put upstream. A flood of questions is mostly junk, and what gives
-- it away is that upstreams find nothing: a login whose questions come to nothing may ask ever
-- fewer. Limits are each login's own, so that one's flood is not another's silence.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.search_allowance()
RETURNS numeric
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_answers CONSTANT integer := 20;
    v_now timestamptz := jikan_sync.clock_now();
BEGIN
    RETURN (
        SELECT
            jikan_sync.setting_number('search_per_minute')
            * (1 - 0.95 * count(*) FILTER (WHERE s.mal_ids = '{}') / c_answers)
        FROM (
            SELECT r.mal_ids
            FROM jikan_sync.search_request AS r
            WHERE r.requested_by = session_user::text
                AND r.answered_at > v_now - interval '10 minutes'
            ORDER BY r.answered_at DESC
            LIMIT c_answers
        ) AS s
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_allowance() IS
'How many new questions of a minute this login may ask as high: `search_per_minute`, less what its
last twenty answers of ten minutes say, down to a twentieth where all of them were empty.';

CREATE FUNCTION jikan_sync.search_priority()
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_high numeric := jikan_sync.search_allowance();
    v_asked integer;
    v_per_hour numeric;
BEGIN
    SELECT count(*)
    INTO v_asked
    FROM (
        SELECT
        FROM jikan_sync.search_request AS r
        WHERE r.requested_by = session_user::text
            AND r.requested_at > v_now - interval '1 minute'
        LIMIT ceil(2 * v_high)
    ) AS s;
    IF v_asked >= 2 * v_high THEN
        RETURN NULL;
    END IF;

    v_per_hour := jikan_sync.setting_number('search_per_hour');
    IF v_per_hour <= (
        SELECT count(*)
        FROM (
            SELECT
            FROM jikan_sync.search_request AS r
            WHERE r.requested_by = session_user::text
                AND r.requested_at > v_now - interval '1 hour'
            LIMIT ceil(v_per_hour)
        ) AS s
    ) THEN
        RETURN NULL;
    END IF;
    RETURN jikan_sync.flood_limit(
        'search', NULL, CASE WHEN v_asked < v_high THEN 'high' ELSE 'low' END
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_priority() IS
'The priority that a new question of this login may have upstream; NULL: it asked too much lately,
or too much that came to nothing, or too many wait.';

CREATE FUNCTION jikan_sync.enter_search()
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR v_door IN 1..least(8, ceil(jikan_sync.search_allowance())) LOOP
        IF pg_try_advisory_xact_lock(
            hashtextextended('pgjikan.search_door:' || session_user, v_door)
        ) THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END;
$$;

COMMENT ON FUNCTION jikan_sync.enter_search() IS
'Takes one of the doors through which a login''s open transactions put new questions, until the
transaction ends; false: all are taken. Transactions do not see each other''s questions when they
count, so this bounds how far a limit can be overrun, however many connections ask. There are eight,
and no more than `jikan_sync.search_allowance`.';

COMMIT;
