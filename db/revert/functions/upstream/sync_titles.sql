-- Revert pgjikan:functions/upstream/sync_titles from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.estimate_catalogue(integer, text[]);
DROP FUNCTION jikan_sync.estimate_requests(integer, text[]);
DROP FUNCTION jikan_sync.sync_titles_progress(integer[], text);
DROP FUNCTION jikan_sync.wanted_facet(text, integer);
DROP FUNCTION jikan_sync.wanted_details(integer);
DROP FUNCTION jikan_sync.sync_titles(integer[], text);
DROP FUNCTION jikan_sync.check_routed_facet(text);

COMMIT;
