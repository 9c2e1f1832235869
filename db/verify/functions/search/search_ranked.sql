-- Verify pgjikan:functions/search/search_ranked on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.search_ranked('naruto 2', 5, NULL);
    PERFORM jikan_sync.search_ranked('nartuo shipuden', 5, NULL);
END;
$$;

ROLLBACK;
