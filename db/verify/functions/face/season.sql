-- Verify pgjikan:functions/face/season on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.season(integer, text, boolean)', 'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader', 'anime.season(integer, text, boolean)', 'execute'
    );
END;
$$;

ROLLBACK;
