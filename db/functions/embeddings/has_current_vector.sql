-- Deploy pgjikan:functions/embeddings/has_current_vector to pg
-- requires: schema/embedding

-- Whether a row is recommendable: the one question behind sync_status pending_embeddings.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.has_current_vector(anime_id bigint, input_hash uuid)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT exists(
        SELECT 1
        FROM jikan.embedding_model AS m
        INNER JOIN jikan.embedding AS e ON m.id = e.model_id
        WHERE
            m.status = 'active'
            AND e.anime_id = has_current_vector.anime_id
            AND e.input_hash = has_current_vector.input_hash
    );
END;

COMMENT ON FUNCTION jikan_sync.has_current_vector(bigint, uuid) IS
'Whether the active model has a vector of this anime made from the text with `input_hash`.';

COMMIT;
