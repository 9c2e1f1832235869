-- Verify pgjikan:functions/search/search_hits on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.search_hits('naruto 2', 5, NULL);
END;
$$;

ROLLBACK;
