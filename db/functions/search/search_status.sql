-- Deploy pgjikan:functions/search/search_status to pg
-- requires: functions/search/search_verdict
-- requires: schema/wish
-- requires: functions/upstream/reserve_request
-- requires: functions/search/search_hits

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
    v_known jikan_sync.search_request;
    v_is_wished boolean := false;
BEGIN
    query_key := coalesce(jikan_sync.normalise_query(query), '');
    -- A wish is folded in a moment. A serializable reader does not look: it would then depend on
    -- what other readers write, and could be made to fail by them.
    IF current_setting('transaction_isolation') <> 'serializable' THEN
        v_is_wished := EXISTS (
            SELECT FROM jikan_sync.wish AS w
            WHERE w.kind = 'search'
                AND w.query_key = search_status.query_key
                AND w.wished_at
                > (SELECT jikan_sync.ago(jikan_sync.setting_interval('search_interval')))
        );
    END IF;
    -- After the wishes, so that one which was folded between the two looks is not missed.
    SELECT s.* INTO v_known
    FROM jikan_sync.search_request AS s
    WHERE s.query_key = search_status.query_key;
    requested_at := v_known.requested_at;
    answered_at := v_known.answered_at;
    failed_at := v_known.failed_at;
    found_count := cardinality(v_known.mal_ids);

    state := CASE
        -- One that nobody answered in all the time is forgotten, and may be asked again.
        WHEN jikan_sync.search_verdict(v_known) = 'pending' THEN 'pending'
        WHEN v_is_wished AND jikan_sync.search_verdict(v_known) IS NULL
            THEN CASE WHEN jikan_sync.upstream_available() THEN 'pending' ELSE 'unavailable' END
        WHEN v_known.state = 'fetched'
            AND v_known.answered_at
            > jikan_sync.ago(jikan_sync.setting_interval('search_learned_for'))
            THEN 'fetched'
        -- Too short to go upstream: what the database says is all there is.
        WHEN NOT jikan_sync.is_searchable(query) THEN 'local'
        WHEN (
            SELECT s.is_confident
            FROM jikan_sync.search_hits(search_status.query, 1, NULL) AS s
        ) THEN 'local'
        WHEN v_known.state = 'unavailable' THEN 'unavailable'
        ELSE 'unknown'
    END;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION anime.search_status(text) IS
'How a query stands, one row. `state`: local (the database answers with confidence), pending (on its
way upstream), fetched (an upstream answered, see `found_count`, perhaps 0), unavailable (no
upstream answered) or unknown (never asked: `anime.search` asks). Channel `anime_search` tells
(without a payload) that some question was answered.';

GRANT EXECUTE ON FUNCTION anime.search_status(text) TO anime_reader;

COMMIT;
