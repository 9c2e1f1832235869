-- Revert pgjikan:schema/status from pg

BEGIN;

DROP VIEW jikan_sync.status;
DROP VIEW jikan_sync.status_job;
DROP VIEW jikan_sync.status_embedding;
DROP VIEW jikan_sync.status_throughput;
DROP VIEW jikan_sync.status_queue;
DROP VIEW jikan_sync.status_facet;

COMMIT;
