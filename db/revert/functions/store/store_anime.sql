-- Revert pgjikan:functions/store/store_anime from pg

BEGIN;

DROP FUNCTION jikan_sync.store_anime(jsonb, text, timestamptz);
DROP TYPE jikan_sync.store_result;

COMMIT;
