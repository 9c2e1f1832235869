-- Revert pgjikan:functions/queue/release from pg

BEGIN;

DROP FUNCTION jikan_sync.sweep_leases();
DROP FUNCTION jikan_sync.expired_tasks();
DROP FUNCTION jikan_sync.release_worker(text);
DROP FUNCTION jikan_sync.release(bigint, uuid);

COMMIT;
