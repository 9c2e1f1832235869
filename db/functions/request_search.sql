-- Deploy pgjikan:functions/request_search to pg
-- requires: schema/search_request
-- requires: functions/reserve_request
-- requires: functions/normalise_query
-- requires: functions/enqueue

-- The same question once: whether a search goes upstream is decided here and nowhere else, and what
-- came of it is remembered. A flood of questions is mostly junk, and what gives it away is that
-- upstreams find nothing: a login whose questions come to nothing may ask ever fewer. Limits are
-- each login's own, so that one's flood is not another's silence.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.is_searchable(query text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        coalesce(char_length(jikan_sync.normalise_query(is_searchable.query)), 0) BETWEEN 3 AND 255
        AND char_length(is_searchable.query) <= 255;
END;

COMMENT ON FUNCTION jikan_sync.is_searchable(text) IS
'Whether a query may go upstream at all: Jikan takes 255 characters, and fewer than three match half
of everything.';

CREATE FUNCTION jikan_sync.search_lock_key(query_key text)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT hashtextextended('pgjikan.search:' || search_lock_key.query_key, 0);
END;

COMMENT ON FUNCTION jikan_sync.search_lock_key(text) IS
'The advisory lock of whoever is asking this question in a transaction that is still open.';

CREATE FUNCTION jikan_sync.is_being_asked(query_key text)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        exists(
            SELECT 1
            FROM pg_catalog.pg_locks AS l
            WHERE
                l.locktype = 'advisory'
                AND l.granted
                AND l.objsubid = 1
                AND l.database = (
                    SELECT d.oid
                    FROM pg_catalog.pg_database AS d
                    WHERE d.datname = current_database()
                )
                AND (l.classid::bigint << 32) | l.objid::bigint
                = jikan_sync.search_lock_key(is_being_asked.query_key)
        );
END;

COMMENT ON FUNCTION jikan_sync.is_being_asked(text) IS
'Whether a transaction that has not yet committed asks this question: its row is not visible yet.';

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

CREATE FUNCTION jikan_sync.request_search(query text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text := jikan_sync.normalise_query(query);
    v_now timestamptz := jikan_sync.clock_now();
    v_known jikan_sync.search_request;
    v_priority text;
    v_is_allowed boolean;
    v_is_available boolean;
BEGIN
    IF NOT jikan_sync.is_searchable(query) THEN
        RETURN 'refused';
    END IF;

    -- Only who may ask takes locks: a transaction full of junk would fill the server's table of
    -- them. Others may have asked meanwhile, so what counts is what is seen inside.
    v_is_allowed := jikan_sync.search_priority() IS NOT NULL AND jikan_sync.enter_search();
    IF v_is_allowed THEN
        v_priority := jikan_sync.search_priority();
        v_is_allowed := v_priority IS NOT NULL;
    END IF;

    -- Whoever asks the same at this moment is answered, not kept until our transaction ends.
    IF v_is_allowed AND NOT pg_try_advisory_xact_lock(jikan_sync.search_lock_key(v_key)) THEN
        RETURN 'pending';
    END IF;

    SELECT s.* INTO v_known FROM jikan_sync.search_request AS s WHERE s.query_key = v_key;
    IF v_known.state = 'fetched'
        AND v_known.answered_at > v_now - jikan_sync.setting_interval('search_interval')
    THEN
        RETURN 'recent';
    ELSIF v_known.state = 'pending'
        AND v_known.requested_at > v_now - jikan_sync.setting_interval('search_interval')
    THEN
        RETURN 'pending';
    ELSIF v_known.state = 'unavailable'
        AND v_known.failed_at > v_now - jikan_sync.setting_interval('search_outage_interval')
    THEN
        RETURN 'unavailable';
    ELSIF NOT v_is_allowed THEN
        RETURN 'refused';
    END IF;

    -- During an outage the question waits in the queue for better times, but nobody waits for it.
    v_is_available := jikan_sync.upstream_available();
    IF jikan_sync.enqueue(
        task => 'search',
        payload => jsonb_build_object('query', query, 'query_key', v_key),
        priority => CASE WHEN v_is_available THEN v_priority ELSE 'low' END
    ) IS NULL THEN
        RETURN 'refused';
    END IF;

    INSERT INTO jikan_sync.search_request AS s (query_key, state, requested_at, failed_at)
    VALUES (
        v_key,
        CASE WHEN v_is_available THEN 'pending' ELSE 'unavailable' END,
        v_now,
        CASE WHEN NOT v_is_available THEN v_now END
    )
    ON CONFLICT ON CONSTRAINT search_request_pkey DO UPDATE
    SET
        state = excluded.state,
        requested_at = excluded.requested_at,
        requested_by = excluded.requested_by,
        failed_at = coalesce(excluded.failed_at, s.failed_at);
    RETURN CASE WHEN v_is_available THEN 'queued' ELSE 'unavailable' END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_search(text) IS
'Asks an upstream for `query`, unless that was done lately, and answers what became of the wish:
queued (now), pending (already on its way), recent (answered within `search_interval`), refused (too
short, too long, too many wait, or this login asked too much) or unavailable (no upstream; the
question waits in the queue).';

CREATE FUNCTION jikan_sync.learn_search(query_key text, mal_ids integer[])
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan_sync.search_request (query_key, state, answered_at, mal_ids)
    VALUES (
        learn_search.query_key,
        'fetched',
        jikan_sync.clock_now(),
        coalesce(learn_search.mal_ids, '{}')
    )
    ON CONFLICT ON CONSTRAINT search_request_pkey DO UPDATE
        SET
            state = excluded.state,
            answered_at = excluded.answered_at,
            mal_ids = excluded.mal_ids;

    SELECT pg_notify('anime_search', left(learn_search.query_key, 255));
END;

COMMENT ON FUNCTION jikan_sync.learn_search(text, integer[]) IS
'Remembers what an upstream found for a query (empty: nothing) and tells channel `anime_search`.';

CREATE FUNCTION jikan_sync.search_failed(query_key text)
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    UPDATE jikan_sync.search_request AS s
    SET
        state = 'unavailable',
        failed_at = jikan_sync.clock_now()
    WHERE s.query_key = search_failed.query_key;

    SELECT pg_notify('anime_search', left(search_failed.query_key, 255));
END;

COMMENT ON FUNCTION jikan_sync.search_failed(text) IS
'Remembers that no upstream answered a query. What was learned before stays; the task may still be
in the queue, and its answer will be learned.';

CREATE FUNCTION jikan_sync.learned_mal_ids(query_key text)
RETURNS integer[]
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT s.mal_ids
    FROM jikan_sync.search_request AS s
    WHERE
        s.query_key = learned_mal_ids.query_key
        AND s.answered_at > (
            SELECT jikan_sync.clock_now() - jikan_sync.setting_interval('search_learned_for')
        );
END;

COMMENT ON FUNCTION jikan_sync.learned_mal_ids(text) IS
'What an upstream found for a query lately, in its order; empty: nothing; NULL: not asked.';

CREATE FUNCTION jikan_sync.purge_search_requests()
RETURNS bigint
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    WITH gone AS (
        DELETE FROM jikan_sync.search_request AS s
        WHERE
            greatest(s.requested_at, s.answered_at, s.failed_at) < (
                SELECT
                    jikan_sync.clock_now()
                    - CASE
                        WHEN
                            s.mal_ids <> '{}'
                            THEN jikan_sync.setting_interval('search_learned_for')
                        ELSE interval '1 day'
                    END
            )
        RETURNING s.query_key
    )

    SELECT count(*) FROM gone;
END;

COMMENT ON FUNCTION jikan_sync.purge_search_requests() IS
'Forgets questions that no longer answer anything: learned ones after `search_learned_for`, empty
and failed ones after a day. Answers how many.';

COMMIT;
