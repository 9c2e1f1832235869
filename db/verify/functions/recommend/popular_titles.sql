-- Verify pgjikan:functions/recommend/popular_titles on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.popular_titles(jikan_sync.face_filter, integer[], integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.popular_titles(jikan_sync.face_filter, integer[], integer)',
        'execute'
    );
END;
$$;

ROLLBACK;
