-- Revert pgjikan:functions/freshness/request_refresh from pg

BEGIN;

DROP FUNCTION jikan_sync.request_facets(integer);
DROP FUNCTION jikan_sync.request_refresh(integer[], integer);
DROP FUNCTION jikan_sync.request_facet(text, integer, text);

COMMIT;
