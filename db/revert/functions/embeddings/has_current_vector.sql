-- Revert pgjikan:functions/embeddings/has_current_vector from pg

BEGIN;

DROP FUNCTION jikan_sync.has_current_vector(bigint, uuid);

COMMIT;
