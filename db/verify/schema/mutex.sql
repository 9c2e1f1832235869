-- Verify pgjikan:schema/mutex on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT name
FROM jikan_sync.mutex
WHERE FALSE;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 2 FROM jikan_sync.mutex AS m WHERE m.name IN ('franchise', 'title'));
    ASSERT NOT has_table_privilege('anime_reader', 'jikan_sync.mutex', 'select');
    ASSERT NOT has_table_privilege('jikan_sidecar', 'jikan_sync.mutex', 'select');
END;
$$;

ROLLBACK;
