-- Verify pgjikan:schema/lost_part on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    anime_id,
    part,
    first_seen_at,
    last_seen_at
FROM jikan_sync.lost_part
WHERE FALSE;

DO $$
BEGIN
    ASSERT NOT has_table_privilege('anime_reader', 'jikan_sync.lost_part', 'select');
    ASSERT NOT has_table_privilege('jikan_sidecar', 'jikan_sync.lost_part', 'select');
END;
$$;

ROLLBACK;
