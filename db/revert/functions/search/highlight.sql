-- Revert pgjikan:functions/search/highlight from pg

BEGIN;

DROP FUNCTION jikan_sync.highlight(text, text, text);
DROP FUNCTION jikan_sync.highlight_words(text, text, text);
DROP FUNCTION jikan_sync.alike_place(text, text);
DROP FUNCTION jikan_sync.bare_letters(text);

COMMIT;
