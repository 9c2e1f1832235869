-- Revert pgjikan:functions/embeddings/request_vector from pg

BEGIN;

DROP FUNCTION jikan_sync.request_query_vector(text, text);
DROP FUNCTION jikan_sync.request_vector(integer);

COMMIT;
