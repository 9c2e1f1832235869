-- Verify pgjikan:schema/search_request on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    query_key,
    state,
    requested_at,
    answered_at,
    failed_at,
    mal_ids,
    requested_by
FROM jikan_sync.search_request
WHERE FALSE;

ROLLBACK;
