-- Revert pgjikan:functions/reviews from pg

BEGIN;

DROP FUNCTION anime.reviews(integer, integer);
DROP TYPE anime.review_result;

COMMIT;
