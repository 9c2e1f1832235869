-- Deploy pgjikan:functions/embeddings/current_vector to pg
-- requires: schema/embedding

-- When a vector counts: only beside the text that it was made from. Whoever reads the vectors of
-- titles reads them here and says of which model. It is inlined: what runs is a look-up by the key
-- of the table, or whatever else suits the planner.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.current_vector(id bigint, embedding_hash uuid)
RETURNS TABLE (model_id integer, anime_id bigint, embedding halfvec)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
BEGIN ATOMIC
    SELECT
        e.model_id,
        e.anime_id,
        e.embedding
    FROM jikan.embedding AS e
    WHERE
        e.anime_id = current_vector.id
        AND e.input_hash = current_vector.embedding_hash;
END;

COMMENT ON FUNCTION jikan_sync.current_vector(bigint, uuid) IS
'The vectors of an anime, one a model, that were made from the text with `embedding_hash`: give that
of the row as it is now, and any other vector counts for nothing.';

COMMIT;
