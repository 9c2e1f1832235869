-- Verify pgjikan:functions/upstream/sync_run on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT jikan_sync.advance_sync_run('{"page": 1}', '{"has_next_page": true}', '{1}');
    PERFORM jikan_sync.sync_run_progress(0);
    ASSERT jikan_sync.run_key('season', 2026, 'fall') = 'season:2026:fall';
    ASSERT jikan_sync.run_key('catalogue', NULL, NULL) = 'catalogue';
    ASSERT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.start_sync_run(text, integer, text, text, interval)',
        'execute'
    );
END;
$$;

ROLLBACK;
