-- Revert pgjikan:functions/claim from pg

BEGIN;

DROP FUNCTION jikan_sync.claim(text, text, integer);
DROP FUNCTION jikan_sync.remember_head(
    text, text, jikan_sync.queue_head, timestamptz, bigint, bigint, interval
);
DROP FUNCTION jikan_sync.recall_head(text, text);
DROP TYPE jikan_sync.queue_head;
DROP FUNCTION jikan_sync.slots(bigint, integer, numeric);
DROP SEQUENCE jikan_sync.claim_turn;

COMMIT;
