-- Revert pgjikan:functions/store/keep_parts from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.keep_parts(jsonb[], bigint[], timestamptz);
DROP FUNCTION jikan_sync.lost_parts_reason();
DROP FUNCTION jikan_sync.losing_titles(timestamptz);
DELETE FROM jikan_sync.setting
WHERE name IN ('lost_part_delay', 'lost_part_share');

COMMIT;
