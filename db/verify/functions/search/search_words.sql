-- Verify pgjikan:functions/search/search_words on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT has_function_privilege(
    'jikan_owner',
    'jikan_sync.search_words(jikan_sync.search_query, jikan_sync.search_hit[])',
    'execute'
);

ROLLBACK;
