-- Revert pgjikan:functions/recommendation_rows from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.recommendation_rows(bigint[], real[], real[], text[]);
DROP TYPE anime.recommendation;

COMMIT;
