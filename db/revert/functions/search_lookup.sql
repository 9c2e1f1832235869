-- Revert pgjikan:functions/search_lookup from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_admits(
    jikan.anime, text[], text[], text[], integer, integer, numeric, boolean
);
DROP FUNCTION jikan_sync.title_similarity(text, text);
DROP FUNCTION jikan_sync.correct_word(text);
DROP FUNCTION jikan_sync.find_anime(text, integer);
DROP FUNCTION jikan_sync.find_word(text, text, integer);
DROP FUNCTION jikan_sync.find_key(text, text, integer);

COMMIT;
