-- Deploy pgjikan:schema/search_gap to pg
-- requires: schema/search_request

-- What the mirror lacks, as its users tell it by searching. The one view of the face that readers
-- may not read: what others search is no reader's business.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE VIEW anime.search_gap AS
SELECT  -- noqa: ST06
    s.query_key AS query,
    s.asked_count,
    CASE
        WHEN s.mal_ids = '{}' THEN 'nothing'
        WHEN s.mal_ids IS NOT NULL THEN 'found'
        ELSE s.state
    END AS outcome,
    s.mal_ids,
    s.requested_at,
    s.answered_at,
    s.failed_at,
    s.requested_by
FROM jikan_sync.search_request AS s;

COMMENT ON VIEW anime.search_gap IS
'What was asked for and not found here, how often, and what came of it; for the owner. Kept as long
as `jikan_sync.search_request` keeps it.';
COMMENT ON COLUMN anime.search_gap.query IS 'The query, normalised.';
COMMENT ON COLUMN anime.search_gap.asked_count IS
'How often readers wished for it while the database did not know.';
COMMENT ON COLUMN anime.search_gap.outcome IS
'found: an upstream knew titles; nothing: it knew none; pending: on its way; unavailable: no
upstream answered.';
COMMENT ON COLUMN anime.search_gap.mal_ids IS 'What the upstream found, in its order.';
COMMENT ON COLUMN anime.search_gap.requested_at IS 'When it was last queued.';
COMMENT ON COLUMN anime.search_gap.answered_at IS 'When an upstream last answered.';
COMMENT ON COLUMN anime.search_gap.failed_at IS 'When no upstream could be asked, last.';
COMMENT ON COLUMN anime.search_gap.requested_by IS 'The login that last asked.';

COMMIT;
