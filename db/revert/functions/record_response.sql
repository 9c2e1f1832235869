-- Revert pgjikan:functions/record_response from pg

BEGIN;

DROP FUNCTION jikan_sync.record_response(
    bigint, uuid, text, text, integer, text, interval, double precision, integer, text
);
DROP FUNCTION jikan_sync.store_response(jikan_sync.queue, jsonb, timestamptz);
DROP FUNCTION jikan_sync.is_at_fault(jikan_sync.queue, text);

DELETE FROM jikan_sync.setting
WHERE name IN ('title_fault_after');

COMMIT;
