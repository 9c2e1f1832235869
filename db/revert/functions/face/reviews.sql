-- Revert pgjikan:functions/face/reviews from pg

BEGIN;

DROP FUNCTION anime.reviews(integer, integer);
DROP TYPE anime.review_result;

COMMIT;
