-- Verify pgjikan:functions/upstream/heeded on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.heeded('10 years') < interval '10 years';
    ASSERT jikan_sync.heeded(NULL) IS NULL;
END;
$$;

ROLLBACK;
