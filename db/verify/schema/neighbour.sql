-- Verify pgjikan:schema/neighbour on pg

BEGIN;

SELECT
    anime_id,
    mal_id,
    members,
    year,
    is_nsfw,
    is_approved,
    popularity,
    love,
    rating,
    embedding_hash,
    score,
    type,
    status,
    genre_names,
    stem,
    stem_english,
    words,
    traits
FROM jikan.profile
WHERE FALSE;

SELECT
    kind,
    name,
    anime_count,
    rarity
FROM jikan_sync.trait
WHERE FALSE;

SELECT
    is_only,
    is_running
FROM jikan_sync.recount
WHERE FALSE;

SELECT
    anime_id,
    mal_ids,
    scores,
    ways,
    sibling_mal_ids,
    sibling_scores,
    floor,
    wanted,
    basis,
    reckoned_at
FROM jikan.neighbour
WHERE FALSE;

SELECT
    id,
    mal_id
FROM jikan_sync.neighbour_wish
WHERE FALSE;

SELECT
    id,
    anime_id
FROM jikan_sync.newcomer
WHERE FALSE;

SELECT
    anime_id,
    mal_id,
    traits,
    embedding
FROM jikan_sync.recommendable
WHERE FALSE;

SELECT
    anime_id,
    mal_id,
    members,
    popularity,
    facts
FROM jikan_sync.candidate
WHERE FALSE;

ROLLBACK;
