-- Revert pgjikan:functions/search/search_text from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_text(jikan_sync.search_query);

DROP INDEX jikan.anime_synopsis_idx;

COMMIT;
