-- Verify pgjikan:functions/search/bare_queries on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (jikan_sync.bare_queries('watch naruto'))[1].query = 'naruto';
    ASSERT NOT jikan_sync.is_title('?');
END;
$$;

ROLLBACK;
