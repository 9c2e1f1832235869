-- Deploy pgjikan:functions/embeddings/has_current_vector to pg
-- requires: functions/embeddings/current_vector

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
        CROSS JOIN
            LATERAL jikan_sync.current_vector(
                has_current_vector.anime_id, has_current_vector.input_hash
            ) AS v
        WHERE
            m.status = 'active'
            AND m.id = v.model_id
    );
END;

COMMENT ON FUNCTION jikan_sync.has_current_vector(bigint, uuid) IS
'Whether the active model has a vector of this anime made from the text with `input_hash`.';

COMMIT;
