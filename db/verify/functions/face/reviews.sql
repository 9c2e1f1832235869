-- Verify pgjikan:functions/face/reviews on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.reviews(integer, integer)', 'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader', 'anime.reviews(integer, integer)', 'execute'
    );
END;
$$;

ROLLBACK;
