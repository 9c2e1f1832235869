-- Revert pgjikan:schema/retry_policy from pg

BEGIN;

DROP TABLE jikan_sync.retry_policy;

COMMIT;
