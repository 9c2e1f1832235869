-- Verify pgjikan:functions/request_search on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.is_searchable('naruto') AND NOT jikan_sync.is_searchable('na');
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.request_search(text)', 'execute');
END;
$$;

ROLLBACK;
