-- Deploy pgjikan:functions/search/search_verdict to pg
-- requires: schema/search_request
-- requires: functions/search/normalise_query

-- Whether a question may go upstream at all, and whether it lately did.

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

CREATE FUNCTION jikan_sync.search_verdict(known jikan_sync.search_request)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN known.state = 'fetched' AND known.answered_at
            > jikan_sync.ago(jikan_sync.setting_interval('search_interval')) THEN 'recent'
        WHEN known.state = 'pending' AND known.requested_at
            > jikan_sync.ago(jikan_sync.setting_interval('search_interval')) THEN 'pending'
        WHEN known.state = 'unavailable' AND known.failed_at
            > jikan_sync.ago(jikan_sync.setting_interval('search_outage_interval'))
            THEN 'unavailable'
    END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_verdict(jikan_sync.search_request) IS
'Why a question need not go upstream again: recent (answered within `search_interval`), pending (on
its way) or unavailable (no upstream could be asked a moment ago); NULL: it may go.';

COMMIT;
