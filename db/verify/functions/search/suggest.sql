-- Verify pgjikan:functions/search/suggest on pg

BEGIN;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'anime_reader', 'anime.suggest(text, integer, boolean)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.suggest(text, integer, boolean)', 'execute'
    );
END;
$$;

ROLLBACK;
