-- Verify pgjikan:functions/search_query on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (
        jikan_sync.parse_query('overlord iv', 9, NULL, NULL, NULL, NULL, NULL, NULL, false)
    ).number = 4;
END;
$$;

ROLLBACK;
