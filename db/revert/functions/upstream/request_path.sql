-- Revert pgjikan:functions/upstream/request_path from pg

BEGIN;

DROP FUNCTION jikan_sync.request_path(text, integer, jsonb);
DROP FUNCTION jikan_sync.url_encode(text);

COMMIT;
