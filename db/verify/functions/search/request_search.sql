-- Verify pgjikan:functions/search/request_search on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.request_search('ab') = 'refused';
    ASSERT jikan_sync.request_search('a query of the verify script') = 'wished';
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.request_search(text)', 'execute');
END;
$$;

ROLLBACK;
