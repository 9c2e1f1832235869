-- Verify pgjikan:schema/recommendation on pg

BEGIN;

SELECT
    low_mal_id,
    high_mal_id,
    votes
FROM jikan.recommendation
WHERE FALSE;

SELECT
    mal_id,
    fetched_at
FROM jikan.recommendation_list
WHERE FALSE;

SELECT
    mal_id,
    other_mal_id,
    votes
FROM jikan_sync.vote
WHERE FALSE;

ROLLBACK;
