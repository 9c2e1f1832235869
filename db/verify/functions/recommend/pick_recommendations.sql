-- Verify pgjikan:functions/recommend/pick_recommendations on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.pick_recommendations(bigint[], real[], bigint[], real[], bigint[], double precision, integer, boolean, jikan_sync.face_filter)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.pick_recommendations(bigint[], real[], bigint[], real[], bigint[], double precision, integer, boolean, jikan_sync.face_filter)',
        'execute'
    );
    ASSERT (
        SELECT count(*) = 2
        FROM jikan_sync.setting AS s
        WHERE s.name IN ('recommend_popularity_weight',
        'recommend_dislike_weight')
    );
END;
$$;

ROLLBACK;
