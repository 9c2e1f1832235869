-- Revert pgjikan:functions/embeddings/tg_queue_embedding from pg

BEGIN;

DROP TRIGGER queue_changed_embedding ON jikan.anime;

DROP TRIGGER queue_new_embedding ON jikan.anime;

DROP FUNCTION jikan_sync.tg_queue_changed_embedding();

DROP FUNCTION jikan_sync.tg_queue_new_embedding();

COMMIT;
