-- Revert pgjikan:functions/embeddings/current_vector from pg

BEGIN;

DROP FUNCTION jikan_sync.current_vector(bigint, uuid);

COMMIT;
