-- Revert pgjikan:functions/v4/title from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_part(jikan_sync.v4_request, jikan_sync.v4_title, text);
DROP FUNCTION jikan_sync.v4_find_title(jikan_sync.v4_request);
DROP TYPE jikan_sync.v4_title;
DROP FUNCTION jikan_sync.v4_missing(bigint, text, boolean);

COMMIT;
