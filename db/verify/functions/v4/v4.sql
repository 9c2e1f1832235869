-- Verify pgjikan:functions/v4/v4 on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.v4_cached(text, jsonb, jsonb)', 'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader', 'anime.v4_cached(text, jsonb, jsonb)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.v4(text, jsonb, jsonb)', 'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader', 'anime.v4(text, jsonb, jsonb)', 'execute'
    );
END;
$$;

ROLLBACK;
