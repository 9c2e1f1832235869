-- Revert pgjikan:functions/recommend/recommend_for from pg

BEGIN;

DROP FUNCTION anime.recommend_for(
    jsonb, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean
);
DROP FUNCTION jikan_sync.read_scores(jsonb);

COMMIT;
