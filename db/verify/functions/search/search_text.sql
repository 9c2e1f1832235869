-- Verify pgjikan:functions/search/search_text on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT has_function_privilege(
    'jikan_owner', 'jikan_sync.search_text(jikan_sync.search_query)', 'execute'
);

SELECT 1 / count(*)
FROM pg_catalog.pg_index
WHERE indexrelid = 'jikan.anime_synopsis_idx'::regclass;

ROLLBACK;
