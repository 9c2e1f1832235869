-- Verify pgjikan:schema/embedding on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    model_id,
    anime_id,
    input_hash,
    embedding,
    embedded_at
FROM jikan.embedding
WHERE FALSE;

ROLLBACK;
