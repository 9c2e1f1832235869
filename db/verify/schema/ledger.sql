-- Verify pgjikan:schema/ledger on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    mal_id,
    facet,
    status,
    stored_at,
    asked_at,
    outcome,
    miss_count,
    not_before,
    wished_by,
    wished_at
FROM jikan_sync.ledger
WHERE FALSE;

DO $$
BEGIN
    ASSERT (SELECT count(*) >= 5 FROM jikan_sync.ask_policy);
    ASSERT NOT has_table_privilege('anime_reader', 'jikan_sync.ledger', 'select');
    ASSERT NOT has_table_privilege('jikan_sidecar', 'jikan_sync.ledger', 'select');
END;
$$;

ROLLBACK;
