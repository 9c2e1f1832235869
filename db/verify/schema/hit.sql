-- Verify pgjikan:schema/hit on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    anime_id,
    weight
FROM jikan_sync.hit
WHERE FALSE;

SELECT
    anime_id,
    score,
    updated_at
FROM jikan_sync.demand
WHERE FALSE;

ROLLBACK;
