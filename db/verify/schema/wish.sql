-- Verify pgjikan:schema/wish on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    id,
    kind,
    facet,
    mal_id,
    query,
    query_key,
    priority,
    login,
    wished_at
FROM jikan_sync.wish
WHERE FALSE;

SELECT
    login,
    began_at,
    high_count
FROM jikan_sync.login_count
WHERE FALSE;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 1 FROM jikan_sync.wish_fold);
    ASSERT NOT has_table_privilege('anime_reader', 'jikan_sync.wish', 'insert');
    ASSERT NOT has_table_privilege('jikan_sidecar', 'jikan_sync.wish', 'select');
END;
$$;

ROLLBACK;
