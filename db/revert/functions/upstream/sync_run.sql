-- Revert pgjikan:functions/upstream/sync_run from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.sync_run_progress(bigint);
DROP FUNCTION jikan_sync.resume_sync_runs();
DROP FUNCTION jikan_sync.advance_sync_run(jsonb, jsonb, integer[]);
DROP FUNCTION jikan_sync.pagination_count(jsonb, text[]);
DROP FUNCTION jikan_sync.start_sync_run(text, integer, text, text, interval);
DROP FUNCTION jikan_sync.enqueue_page(jikan_sync.sync_run);
DROP FUNCTION jikan_sync.is_walking(jikan_sync.sync_run);
DROP FUNCTION jikan_sync.has_task(jikan_sync.sync_run);
DROP FUNCTION jikan_sync.run_key(text, integer, text);

COMMIT;
