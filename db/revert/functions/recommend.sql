-- Revert pgjikan:functions/recommend from pg

BEGIN;

DROP FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, double precision,
    boolean, boolean
);

DROP FUNCTION jikan_sync.taste_mean(bigint[]);

COMMIT;
