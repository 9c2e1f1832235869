-- Deploy pgjikan:functions/store/json_list to pg
-- requires: schema/namespaces

-- Lists that an upstream may send as something else.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.json_list(list jsonb)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(json_list.list) WHEN 'array' THEN json_list.list ELSE '[]' END;
END;

COMMENT ON FUNCTION jikan_sync.json_list(jsonb) IS
'`list` where it is a JSON array, else an empty one.';

COMMIT;
