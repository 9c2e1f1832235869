-- Revert pgjikan:functions/embeddings/active_model_id from pg

BEGIN;

DROP FUNCTION jikan_sync.active_model();

DROP FUNCTION jikan_sync.active_model_id();

COMMIT;
