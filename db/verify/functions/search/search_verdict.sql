-- Verify pgjikan:functions/search/search_verdict on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.is_searchable('abc');
    ASSERT NOT jikan_sync.is_searchable('ab');
    ASSERT jikan_sync.search_verdict(NULL) IS NULL;
END;
$$;

ROLLBACK;
