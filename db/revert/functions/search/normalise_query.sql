-- Revert pgjikan:functions/search/normalise_query from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.normalise_query(text);

COMMIT;
