-- Verify pgjikan:functions/face/facet on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT anime.facet(2147483647, 'news') IS NULL;
    ASSERT has_function_privilege('anime_reader', 'anime.facet(integer, text)', 'execute');
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.look_at(integer, text)', 'execute');
END;
$$;

ROLLBACK;
