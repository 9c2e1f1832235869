-- Revert pgjikan:functions/v4/validate from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_validate_search(jsonb);
DROP FUNCTION jikan_sync.v4_validate(jikan_sync.v4_route, text, jsonb);
DROP FUNCTION jikan_sync.v4_read_value(jikan_sync.v4_parameter, text);
DROP FUNCTION jikan_sync.v4_message(text, jikan_sync.v4_parameter, text, text);
DROP FUNCTION jikan_sync.v4_find_route(text);

COMMIT;
