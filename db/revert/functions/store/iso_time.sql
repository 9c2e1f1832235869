-- Revert pgjikan:functions/store/iso_time from pg

BEGIN;

DROP FUNCTION jikan_sync.iso_time(text);

COMMIT;
