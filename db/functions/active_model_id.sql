-- Deploy pgjikan:functions/active_model_id to pg
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

COMMIT;
