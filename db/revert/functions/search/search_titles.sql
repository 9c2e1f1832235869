-- Revert pgjikan:functions/search/search_titles from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_titles(jikan_sync.search_query);
DROP FUNCTION jikan_sync.title_band(
    text, boolean, text, text, text, boolean, text, text, text
);
DROP FUNCTION jikan_sync.title_hit(
    integer, jikan_sync.findable, text, integer, integer
);
DROP TYPE jikan_sync.search_hit;

COMMIT;
