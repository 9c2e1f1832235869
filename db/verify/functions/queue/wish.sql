-- Verify pgjikan:functions/queue/wish on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.wish('facet', 'low', facet => 'core', mal_id => 2147483647);
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.wish(text, text, text, integer, text, text)', 'execute'
    );
END;
$$;

ROLLBACK;
