-- Verify pgjikan:functions/upstream/sync_titles on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.sync_titles('{2147483647}') = 1;
    ASSERT (
        SELECT p.pending_count FROM jikan_sync.sync_titles_progress('{2147483647}') AS p
    ) = 1;
    ASSERT (
        SELECT e.request_count >= e.page_count FROM jikan_sync.estimate_catalogue(5) AS e
    );
    PERFORM jikan_sync.wanted_details(3);
    PERFORM jikan_sync.wanted_facet('recommendations', 3);
    ASSERT (SELECT count(*) = 1 FROM jikan_sync.estimate_requests(5));
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.sync_titles(integer[], text)', 'execute');
END;
$$;

ROLLBACK;
