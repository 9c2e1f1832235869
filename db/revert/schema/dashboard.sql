-- Revert pgjikan:schema/dashboard from pg

BEGIN;

DROP VIEW jikan_sync.status_error;
DROP VIEW jikan_sync.status_embedding_provider;
DROP VIEW jikan_sync.status_request;
DROP FUNCTION jikan_sync.queue_depth(interval, interval);

COMMIT;
