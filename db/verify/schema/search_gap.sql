-- Verify pgjikan:schema/search_gap on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    query,
    asked_count,
    outcome,
    mal_ids,
    requested_at,
    answered_at,
    failed_at,
    requested_by
FROM anime.search_gap
WHERE FALSE;

DO $$
BEGIN
    ASSERT NOT has_table_privilege('anime_reader', 'anime.search_gap', 'select');
END;
$$;

ROLLBACK;
