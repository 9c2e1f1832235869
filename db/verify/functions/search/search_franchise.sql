-- Verify pgjikan:functions/search/search_franchise on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT jikan_sync.search_franchise(jikan_sync.parse_query('gundam', 1, NULL), NULL);

ROLLBACK;
