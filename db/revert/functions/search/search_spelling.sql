-- Revert pgjikan:functions/search/search_spelling from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_spelling(jikan_sync.search_query, boolean);
DROP FUNCTION jikan_sync.title_similarity(text, text);
DROP FUNCTION jikan_sync.resemble_word(text);
DROP FUNCTION jikan_sync.correct_word(text);

COMMIT;
