-- Revert pgjikan:functions/search/story_words from pg

BEGIN;

DROP FUNCTION jikan_sync.foreign_words(text);

DROP FUNCTION jikan_sync.query_language(text[]);

DROP FUNCTION jikan_sync.is_little_word(text, regdictionary);

DROP FUNCTION jikan_sync.story_words(text);

COMMIT;
