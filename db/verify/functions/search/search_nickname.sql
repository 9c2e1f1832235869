-- Verify pgjikan:functions/search/search_nickname on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT has_function_privilege(
    'jikan_owner', 'jikan_sync.search_nickname(jikan_sync.search_query)', 'execute'
);

ROLLBACK;
