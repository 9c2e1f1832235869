-- Revert pgjikan:schema/retry_policy from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP TABLE jikan_sync.retry_policy;

COMMIT;
