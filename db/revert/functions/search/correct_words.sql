-- Revert pgjikan:functions/search/correct_words from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.correct_words(text[]);
DROP FUNCTION jikan_sync.title_similarity(text, text);
DROP FUNCTION jikan_sync.word_alikeness(text, text);
DROP FUNCTION jikan_sync.resemble_word(text);
DROP FUNCTION jikan_sync.alike_words(text);
DROP FUNCTION jikan_sync.is_word(text);
DROP FUNCTION jikan_sync.correct_word(text);

COMMIT;
