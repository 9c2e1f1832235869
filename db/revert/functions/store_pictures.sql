-- Revert pgjikan:functions/store_pictures from pg

BEGIN;

DROP FUNCTION jikan_sync.store_pictures(integer, jsonb, timestamptz);

COMMIT;
