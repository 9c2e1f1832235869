-- Verify pgjikan:schema/v4_row on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    anime_id,
    slot,
    mal_id,
    version,
    title,
    aired_from,
    aired_to,
    episodes,
    score,
    scored_by,
    rank,
    popularity,
    members,
    favorites,
    season_key,
    tags,
    document
FROM jikan.v4_row
WHERE FALSE;

SELECT
    id,
    slot
FROM jikan_sync.v4_change
WHERE FALSE;

SELECT
    tag,
    chunk,
    bits
FROM jikan_sync.v4_bitmap
WHERE FALSE;

SELECT
    mal_id,
    kind,
    name,
    url
FROM jikan_sync.v4_genre
WHERE FALSE;

SELECT
    is_only,
    fold_count
FROM jikan_sync.v4_fold_state
WHERE FALSE;

ROLLBACK;
