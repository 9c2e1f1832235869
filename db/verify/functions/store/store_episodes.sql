-- Verify pgjikan:functions/store/store_episodes on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT jikan_sync.store_episodes(2147483647, '[]');
    ASSERT (SELECT f.store IS NOT NULL FROM jikan_sync.facet AS f WHERE f.name = 'episodes');
END;
$$;

ROLLBACK;
