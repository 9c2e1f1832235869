-- Revert pgjikan:functions/nearest from pg

BEGIN;

DROP FUNCTION jikan_sync.nearest(
    halfvec[], halfvec, halfvec[], bigint[], integer, bigint[], boolean, text[], text[], text[],
    integer, integer, double precision, boolean
);

DROP FUNCTION jikan_sync.genre_overlap(text[], text[]);

DROP FUNCTION jikan_sync.vector_schema();

DELETE FROM jikan_sync.setting
WHERE name IN (
    'recommend_score_weight',
    'recommend_popularity_weight',
    'recommend_genre_weight',
    'recommend_dislike_weight'
);

COMMIT;
