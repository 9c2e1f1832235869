-- Revert pgjikan:functions/store/store_recent from pg

BEGIN;

DROP FUNCTION jikan_sync.keep_list(text, integer, json, timestamptz);
DROP FUNCTION jikan_sync.store_recent(jsonb, timestamptz);
DROP FUNCTION jikan_sync.recent_titles(jsonb);
DROP FUNCTION jikan_sync.oldest_recent(jsonb);
DROP FUNCTION jikan_sync.recent_entries(jsonb);
DROP FUNCTION jikan_sync.recent_fault(jsonb);

COMMIT;
