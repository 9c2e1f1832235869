-- Deploy pgjikan:functions/search/request_search to pg
-- requires: functions/search/search_verdict
-- requires: functions/queue/login_limit
-- requires: functions/queue/wish
-- requires: functions/upstream/reserve_request

-- A reader's wish to have a question put upstream. It reads what the background wrote, so that a
-- question which may not go is not even wished for; the fold decides.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.request_search(query text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text := jikan_sync.normalise_query(query);
    v_known jikan_sync.search_request;
    v_priority text;
BEGIN
    IF NOT jikan_sync.is_searchable(query) THEN
        RETURN 'refused';
    END IF;
    SELECT s.* INTO v_known FROM jikan_sync.search_request AS s WHERE s.query_key = v_key;
    IF jikan_sync.search_verdict(v_known) IS NOT NULL THEN
        RETURN jikan_sync.search_verdict(v_known);
    END IF;
    v_priority := jikan_sync.search_priority(session_user::text);
    IF v_priority IS NULL
        OR NOT jikan_sync.wish('search', v_priority, query => request_search.query, query_key => v_key)
    THEN
        RETURN 'refused';
    END IF;
    RETURN CASE WHEN jikan_sync.upstream_available() THEN 'wished' ELSE 'unavailable' END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_search(text) IS
'Wishes that an upstream be asked for `query`, unless that was done lately, and answers what came of
it: wished (a sidecar takes it from here), pending (already on its way), recent (answered within
`search_interval`), unavailable (no upstream can be asked) or refused (too short, too long, too many
wait, or this login asked too much).';

COMMIT;
