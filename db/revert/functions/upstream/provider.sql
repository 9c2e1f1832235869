-- Revert pgjikan:functions/upstream/provider from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.enable_provider(text, boolean);
DROP FUNCTION jikan_sync.set_provider(text, text, integer, numeric, numeric, numeric, text);
DROP VIEW jikan_sync.provider_status;

COMMIT;
