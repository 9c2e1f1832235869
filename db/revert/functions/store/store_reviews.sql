-- Revert pgjikan:functions/store/store_reviews from pg

BEGIN;

UPDATE jikan_sync.facet SET store = NULL
WHERE name = 'reviews';
DROP FUNCTION jikan_sync.store_reviews(integer, jsonb, timestamptz);
DROP FUNCTION jikan_sync.write_review(bigint, jsonb, integer);

COMMIT;
