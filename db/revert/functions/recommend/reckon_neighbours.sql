-- Revert pgjikan:functions/recommend/reckon_neighbours from pg

BEGIN;

DROP FUNCTION jikan_sync.reckon_neighbours(bigint[]);

COMMIT;
