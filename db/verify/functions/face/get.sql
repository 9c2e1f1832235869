-- Verify pgjikan:functions/face/get on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.freshness_json(integer)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.freshness_json(integer)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.anime_json(integer)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.anime_json(integer)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.get(integer)', 'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader', 'anime.get(integer)', 'execute'
    );
END;
$$;

ROLLBACK;
