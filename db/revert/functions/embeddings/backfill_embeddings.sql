-- Revert pgjikan:functions/embeddings/backfill_embeddings from pg

BEGIN;

DROP FUNCTION jikan_sync.backfill_progress(integer);

DROP FUNCTION jikan_sync.backfill_embeddings(integer);

DROP FUNCTION jikan_sync.estimate_backfill(integer);

COMMIT;
