-- Revert pgjikan:functions/recommend/refresh_neighbours from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.refresh_neighbours(integer);
DROP FUNCTION jikan_sync.write_neighbours(bigint[]);

DELETE FROM jikan_sync.setting
WHERE name IN ('neighbour_refresh_limit', 'neighbour_max_age');

COMMIT;
