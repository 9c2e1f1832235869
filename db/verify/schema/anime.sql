-- Verify pgjikan:schema/anime on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    id,
    mal_id,
    title,
    titles,
    genre_names,
    studio_names,
    is_nsfw,
    popularity_share,
    is_full,
    embedding_hash,
    last_jikan_sync,
    full_synced_at,
    sync_status,
    removed_at
FROM jikan.anime
WHERE FALSE;

ROLLBACK;
