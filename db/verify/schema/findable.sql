-- Verify pgjikan:schema/findable on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    id,
    mal_id,
    title,
    title_english,
    type,
    status,
    genre_names,
    score,
    members,
    is_nsfw,
    popularity_share,
    synopsis,
    embedding_hash,
    is_approved,
    year
FROM jikan_sync.findable
WHERE FALSE;

DO $$
BEGIN
    ASSERT NOT has_table_privilege('anime_reader', 'jikan_sync.findable', 'select');
END;
$$;

ROLLBACK;
