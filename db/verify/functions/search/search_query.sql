-- Verify pgjikan:functions/search/search_query on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (jikan_sync.parse_query('overlord iv', 9, NULL)).number = 4;
END;
$$;

ROLLBACK;
