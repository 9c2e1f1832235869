-- Revert pgjikan:functions/upstream/record_response from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.record_response(
    bigint, uuid, text, text, integer, text, interval, double precision, integer, text,
    boolean, integer
);
DROP FUNCTION jikan_sync.follow_move(jikan_sync.queue, integer);
DROP FUNCTION jikan_sync.follow_up(jikan_sync.queue, json);
DROP FUNCTION jikan_sync.listed_mal_ids(json);
DROP FUNCTION jikan_sync.store_response(jikan_sync.queue, json, timestamptz);
DROP FUNCTION jikan_sync.store_core(integer, json, timestamptz);
DROP FUNCTION jikan_sync.failure_class(jikan_sync.queue, text, text);
DELETE FROM jikan_sync.setting
WHERE name IN ('title_fault_after');

COMMIT;
