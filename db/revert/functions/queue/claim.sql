-- Revert pgjikan:functions/queue/claim from pg

BEGIN;

DROP FUNCTION jikan_sync.claim(text, text, integer, text[]);
DROP FUNCTION jikan_sync.slots(bigint, integer, numeric);
DROP SEQUENCE jikan_sync.claim_turn;

COMMIT;
