-- Verify pgjikan:schema/sync_run on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    id,
    kind,
    year,
    season,
    priority,
    state,
    page_count,
    item_count,
    last_page,
    total_count,
    started_at,
    advanced_at,
    finished_at,
    stalled_at,
    seen_count
FROM jikan_sync.sync_run
WHERE FALSE;

ROLLBACK;
