-- Revert pgjikan:functions/search/search_bare from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_otherwise(jikan_sync.search_query, integer);
DROP FUNCTION jikan_sync.read_bare(text);
DROP FUNCTION jikan_sync.prefer_hits(jikan_sync.search_hit[], integer, text[]);

COMMIT;
