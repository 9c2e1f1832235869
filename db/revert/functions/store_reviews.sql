-- Revert pgjikan:functions/store_reviews from pg

BEGIN;

DROP FUNCTION jikan_sync.store_reviews(integer, jsonb, timestamptz);
DROP FUNCTION jikan_sync.write_review(bigint, jsonb, integer);

COMMIT;
