-- Revert pgjikan:functions/v4/errors from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_invalid(jsonb);
DROP FUNCTION jikan_sync.v4_loop();
DROP FUNCTION jikan_sync.v4_no_route();
DROP FUNCTION jikan_sync.v4_error(integer, text, text, text);

COMMIT;
