-- Verify pgjikan:schema/query_vector on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    model_id,
    query_key,
    embedding,
    embedded_at,
    used_at
FROM jikan_sync.query_vector
WHERE FALSE;

DO $$
BEGIN
    ASSERT jikan_sync.setting_number('query_vector_limit') >= 0;
END;
$$;

ROLLBACK;
