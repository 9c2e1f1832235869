-- Verify pgjikan:schema/story on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    anime_id,
    synopsis_hash
FROM jikan_sync.story
WHERE FALSE;

SELECT
    anime_id,
    lexeme,
    weight
FROM jikan_sync.story_word
WHERE FALSE;

SELECT
    lexeme,
    word,
    anime_count
FROM jikan_sync.story_vocabulary
WHERE FALSE;

SELECT
    model_id,
    lexeme,
    embedding
FROM jikan_sync.story_vector
WHERE FALSE;

SELECT
    model_id,
    word,
    lexemes,
    gains,
    asked_at
FROM jikan_sync.foreign_word
WHERE FALSE;

ROLLBACK;
