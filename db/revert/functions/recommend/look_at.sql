-- Revert pgjikan:functions/recommend/look_at from pg

BEGIN;

DROP FUNCTION jikan_sync.look_at(jikan_sync.known_neighbour[], real[], bigint[], boolean);
DROP FUNCTION jikan_sync.known_neighbours(bigint[]);
DROP TYPE jikan_sync.known_neighbour;

COMMIT;
