-- Revert pgjikan:functions/search/highlight from pg

BEGIN;

DROP FUNCTION jikan_sync.highlight(text, text, text);
DROP FUNCTION jikan_sync.highlight_words(text, text, boolean);
DROP FUNCTION jikan_sync.join_parts(integer[], text);
DROP FUNCTION jikan_sync.bare_letters(text);

COMMIT;
