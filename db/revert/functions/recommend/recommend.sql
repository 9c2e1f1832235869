-- Revert pgjikan:functions/recommend/recommend from pg

BEGIN;

DROP FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, double precision,
    boolean, boolean
);

COMMIT;
