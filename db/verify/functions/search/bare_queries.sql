-- Verify pgjikan:functions/search/bare_queries on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT b.query FROM jikan_sync.bare_queries('watch naruto') AS b) = 'naruto';
    ASSERT NOT jikan_sync.is_title('?');
END;
$$;

ROLLBACK;
