-- Revert pgjikan:functions/claim from pg

BEGIN;

DROP FUNCTION jikan_sync.claim(text, text, integer);
DROP FUNCTION jikan_sync.slots(bigint, integer, numeric);
DROP SEQUENCE jikan_sync.claim_turn;

COMMIT;
