-- Verify pgjikan:schema/title on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    anime_id,
    position,
    tier,
    number,
    type,
    is_short,
    title,
    words,
    key,
    base
FROM jikan.title
WHERE FALSE;

SELECT
    tier,
    word,
    anime_id
FROM jikan_sync.title_word
WHERE FALSE;

SELECT
    word,
    tier
FROM jikan_sync.vocabulary
WHERE FALSE;

DO $$
BEGIN
    ASSERT jikan_sync.spelling_keys('nartuo') && jikan_sync.spelling_keys('naruto');
END;
$$;

ROLLBACK;
