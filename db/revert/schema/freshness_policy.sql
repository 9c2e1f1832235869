-- Revert pgjikan:schema/freshness_policy from pg

BEGIN;

DROP TABLE jikan_sync.freshness_policy;
DROP FUNCTION jikan_sync.tg_check_freshness_policy();

COMMIT;
