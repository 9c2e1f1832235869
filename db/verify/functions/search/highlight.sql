-- Verify pgjikan:functions/search/highlight on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.highlight('k on', 'K-ON!', 'exact') = '{{0,5}}';
    ASSERT jikan_sync.highlight('steinsg', 'Steins;Gate', 'prefix') = '{{0,8}}';
    ASSERT jikan_sync.highlight('gate', 'Steins;Gate', 'text') IS NULL;
END;
$$;

ROLLBACK;
