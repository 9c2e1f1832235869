-- Verify pgjikan:functions/jobs/purge_history on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.purge_history() >= 0;
END;
$$;

ROLLBACK;
