-- Verify pgjikan:functions/face/facets on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT EXISTS (SELECT FROM anime.episodes(2147483647));
    ASSERT NOT EXISTS (SELECT FROM anime.characters(2147483647));
    ASSERT NOT EXISTS (SELECT FROM anime.staff(2147483647));
    ASSERT NOT EXISTS (SELECT FROM anime.recommendations(2147483647));
    ASSERT anime.videos(2147483647) IS NULL;
END;
$$;

ROLLBACK;
