-- Revert pgjikan:functions/recommend from pg

BEGIN;

DROP FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, numeric, boolean, boolean
);

DROP FUNCTION jikan_sync.taste_vector(bigint[], bigint[]);

DELETE FROM jikan_sync.setting WHERE name = 'recommend_dislike_weight';

COMMIT;
