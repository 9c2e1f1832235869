-- Revert pgjikan:schema/provider from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.provider;  -- and by its trigger their limits
DROP TABLE jikan_sync.provider;
DROP FUNCTION jikan_sync.tg_set_provider_limits();
DROP FUNCTION jikan_sync.limit_subject(text, boolean);

COMMIT;
