-- Verify pgjikan:schema/facet_freshness on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    mal_id,
    facet,
    position,
    is_asked_by_get,
    stored_at,
    not_before,
    route,
    freshness
FROM jikan_sync.facet_freshness
WHERE FALSE;

ROLLBACK;
