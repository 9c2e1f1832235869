-- Revert pgjikan:functions/store/json_list from pg

BEGIN;

DROP FUNCTION jikan_sync.json_list(jsonb);

COMMIT;
