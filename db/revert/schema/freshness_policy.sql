-- Revert pgjikan:schema/freshness_policy from pg

BEGIN;

DROP TRIGGER give_policy ON jikan_sync.facet;
DROP FUNCTION jikan_sync.tg_give_policy();
DROP TABLE jikan_sync.freshness_policy;
DROP FUNCTION jikan_sync.tg_check_freshness_policy();

COMMIT;
