-- Revert pgjikan:functions/sync_titles from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.estimate_catalogue(integer);
DROP FUNCTION jikan_sync.sync_titles_progress(integer[]);
DROP FUNCTION jikan_sync.wanted_details(integer);
DROP FUNCTION jikan_sync.sync_titles(integer[]);

COMMIT;
