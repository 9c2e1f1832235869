-- Revert pgjikan:functions/store_reviews from pg

BEGIN;

DROP FUNCTION jikan_sync.store_reviews(integer, jsonb, timestamptz);

COMMIT;
