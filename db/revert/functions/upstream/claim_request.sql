-- Revert pgjikan:functions/upstream/claim_request from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.claim_request(text, text[]);

COMMIT;
