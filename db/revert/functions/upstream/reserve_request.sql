-- Revert pgjikan:functions/upstream/reserve_request from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.reserve_request(text, text, text[]);
DROP FUNCTION jikan_sync.upstream_available(text, text[]);

COMMIT;
