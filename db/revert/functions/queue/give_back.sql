-- Revert pgjikan:functions/queue/give_back from pg

BEGIN;

DROP FUNCTION jikan_sync.give_back(bigint[], uuid[]);

COMMIT;
