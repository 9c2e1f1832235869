-- Revert pgjikan:functions/recommend/pick_recommendations from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.pick_recommendations(
    bigint[], real[], bigint[], real[], bigint[], double precision, integer, boolean,
    jikan_sync.face_filter
);

DELETE FROM jikan_sync.setting
WHERE name IN ('recommend_popularity_weight', 'recommend_dislike_weight');

COMMIT;
