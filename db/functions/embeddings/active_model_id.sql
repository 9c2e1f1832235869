-- Deploy pgjikan:functions/embeddings/active_model_id to pg
-- requires: schema/embedding_model

-- The one model whose vectors are read. Vectors of two models are never compared, because nothing
-- reads those of any other.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.active_model_id()
RETURNS integer
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT m.id
    FROM jikan.embedding_model AS m
    WHERE m.status = 'active';
END;

COMMENT ON FUNCTION jikan_sync.active_model_id() IS 'The model whose vectors are read; NULL: none.';

CREATE FUNCTION jikan_sync.active_model()
RETURNS TABLE (provider text, model text, dimensions integer)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
ROWS 1
BEGIN ATOMIC
    SELECT
        m.provider,
        m.name,
        m.dimensions
    FROM jikan.embedding_model AS m
    WHERE m.status = 'active';
END;

COMMENT ON FUNCTION jikan_sync.active_model() IS
'The model whose vectors are read, so that a sidecar can make it ready before the first text.';

GRANT EXECUTE ON FUNCTION jikan_sync.active_model() TO jikan_sidecar;

COMMIT;
