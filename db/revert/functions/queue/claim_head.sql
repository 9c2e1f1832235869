-- Revert pgjikan:functions/queue/claim_head from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.remember_heads(text, interval);
DROP FUNCTION jikan_sync.recall_heads(text);
DROP TYPE jikan_sync.queue_heads;

COMMIT;
