-- Deploy pgjikan:functions/embeddings/unit_vector to pg
-- requires: schema/extensions

-- Every vector has length 1: similarity is then the inner product, the cheapest there is, and an
-- answer that is no embedding (zeros, another model's dimensions, not a number) cannot get in.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.is_unit_vector(embedding halfvec, dimensions integer)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        vector_dims(is_unit_vector.embedding) = is_unit_vector.dimensions
        AND l2_norm(is_unit_vector.embedding) BETWEEN 0.99 AND 1.01;
END;

COMMENT ON FUNCTION jikan_sync.is_unit_vector(halfvec, integer) IS
'Whether a vector has these dimensions and, as far as half precision can tell, length 1.';

CREATE FUNCTION jikan_sync.parse_vector(embedding text)
RETURNS halfvec
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
BEGIN ATOMIC
    SELECT parse_vector.embedding::halfvec;
END;

COMMENT ON FUNCTION jikan_sync.parse_vector(text) IS
'The vector that a text like [0.6,0.8] stands for.
Raises: 22P02, 22003, 22000 (it stands for none).';

CREATE FUNCTION jikan_sync.read_unit_vector(embedding text, dimensions integer)
RETURNS halfvec
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jikan_sync.is_unit_vector(jikan_sync.parse_vector(embedding), dimensions) THEN
        RETURN jikan_sync.parse_vector(embedding);
    END IF;
    RETURN NULL;
EXCEPTION
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.read_unit_vector(text, integer) IS
'The vector of length 1 that a text stands for; NULL where it is none of these dimensions.';

COMMIT;
