-- Verify pgjikan:schema/anime_children on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    anime_id,
    relation,
    entry_type,
    entry_mal_id,
    name,
    url
FROM jikan.relation
WHERE FALSE;
SELECT
    anime_id,
    kind,
    position,
    song
FROM jikan.theme_song
WHERE FALSE;
SELECT
    anime_id,
    kind,
    position,
    name,
    url
FROM jikan.link
WHERE FALSE;
SELECT
    anime_id,
    position,
    images
FROM jikan.picture
WHERE FALSE;
SELECT
    anime_id,
    review_mal_id,
    review,
    position
FROM jikan.review
WHERE FALSE;

ROLLBACK;
