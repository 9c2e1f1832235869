-- Deploy pgjikan:functions/search_status to pg
-- requires: functions/request_search
-- requires: functions/search_hits

-- Whether asking again is worth it: what an app looks at between showing what the database has and
-- showing what an upstream found. Cheap while something is on its way, because it is polled then.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.search_status(query text)
RETURNS TABLE (
    query_key text,
    state text,
    requested_at timestamptz,
    answered_at timestamptz,
    failed_at timestamptz,
    found_count integer
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_known jikan_sync.search_request;
    v_is_being_asked boolean := false;
BEGIN
    query_key := coalesce(jikan_sync.normalise_query(query), '');
    SELECT s.* INTO v_known
    FROM jikan_sync.search_request AS s
    WHERE s.query_key = search_status.query_key;
    IF v_known.state IS DISTINCT FROM 'pending' THEN
        -- Whoever asks at this moment has a row that only shows once they commit. If they did
        -- between the two looks, a third, with a snapshot of its own (hence VOLATILE), shows it.
        v_is_being_asked := jikan_sync.is_being_asked(search_status.query_key);
        SELECT s.* INTO v_known
        FROM jikan_sync.search_request AS s
        WHERE s.query_key = search_status.query_key;
    END IF;
    requested_at := v_known.requested_at;
    answered_at := v_known.answered_at;
    failed_at := v_known.failed_at;
    found_count := cardinality(v_known.mal_ids);

    state := CASE
        -- One that nobody answered in all the time is forgotten, and may be asked again.
        WHEN v_known.state = 'pending'
            AND v_known.requested_at > v_now - jikan_sync.setting_interval('search_interval')
            THEN 'pending'
        WHEN v_known.state = 'fetched'
            AND v_known.answered_at > v_now - jikan_sync.setting_interval('search_learned_for')
            THEN 'fetched'
        -- Too short to go upstream: what the database says is all there is.
        WHEN NOT jikan_sync.is_searchable(query) THEN 'local'
        WHEN (
            SELECT s.is_confident
            FROM jikan_sync.search_hits(
                search_status.query, 1, NULL, NULL, NULL, NULL, NULL, NULL, false
            ) AS s
        ) THEN 'local'
        WHEN v_is_being_asked THEN 'pending'
        WHEN v_known.state = 'unavailable' THEN 'unavailable'
        ELSE 'unknown'
    END;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION anime.search_status(text) IS
'How a query stands, one row. `state`: local (the database answers with confidence), pending (on its
way upstream), fetched (an upstream answered, see `found_count`, perhaps 0), unavailable (no
upstream answered) or unknown (never asked: `anime.search` asks). Channel `anime_search` tells of
changes.';

GRANT EXECUTE ON FUNCTION anime.search_status(text) TO anime_reader;

COMMIT;
