-- Revert pgjikan:functions/recommend/request_vectors from pg

BEGIN;

DROP FUNCTION jikan_sync.request_vectors(integer[]);

COMMIT;
