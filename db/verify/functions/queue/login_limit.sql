-- Verify pgjikan:functions/queue/login_limit on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.search_priority('nobody') = 'high';
    ASSERT jikan_sync.unknown_priority('nobody') = 'high';
    ASSERT jikan_sync.query_vector_priority('nobody') = 'high';
    ASSERT jikan_sync.facet_priority('{nobody}', 'episodes') = 'high';
END;
$$;

ROLLBACK;
