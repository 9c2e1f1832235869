-- Verify pgjikan:functions/search/search_titles on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT has_function_privilege(
    'jikan_owner', 'jikan_sync.search_titles(jikan_sync.search_query)', 'execute'
);

ROLLBACK;
