-- Revert pgjikan:functions/recommend/recommendation_rows from pg

BEGIN;

DROP FUNCTION jikan_sync.recommendation_rows(bigint[], real[], real[], text[], text[]);
DROP TYPE anime.recommendation;

COMMIT;
