-- Verify pgjikan:functions/queue/fold_wishes on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.wish('facet', 'low', facet => 'core', mal_id => 2147483647);
    ASSERT jikan_sync.fold_wishes() >= 1;
    ASSERT NOT EXISTS (SELECT FROM jikan_sync.wish AS w WHERE w.mal_id = 2147483647);
    ASSERT NOT jikan_sync.is_given_up('embed:0');
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.fold_wishes(integer)', 'execute');
END;
$$;

ROLLBACK;
