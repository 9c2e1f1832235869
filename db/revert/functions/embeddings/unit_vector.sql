-- Revert pgjikan:functions/embeddings/unit_vector from pg

BEGIN;

DROP FUNCTION jikan_sync.read_unit_vector(text, integer);

DROP FUNCTION jikan_sync.parse_vector(text);

DROP FUNCTION jikan_sync.is_unit_vector(halfvec, integer);

COMMIT;
