-- Revert pgjikan:functions/recommend/neighbour_weight from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.content_score(
    sparsevec, sparsevec, halfvec, halfvec, double precision, double precision, integer,
    double precision, real, double precision, real, double precision, real, double precision,
    real
);
DROP FUNCTION jikan_sync.neighbour_basis();
DROP FUNCTION jikan_sync.is_recounting();
DROP FUNCTION jikan_sync.neighbour_weight();

DELETE FROM jikan_sync.setting
WHERE name LIKE 'neighbour\_%';

COMMIT;
