-- Deploy pgjikan:functions/request_search to pg
-- requires: schema/search_request
-- requires: functions/reserve_request
-- requires: functions/normalise_query
-- requires: functions/enqueue
-- requires: functions/search_limit

-- The same question once: whether a search goes upstream is decided here and nowhere else.

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

COMMIT;
