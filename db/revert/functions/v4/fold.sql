-- Revert pgjikan:functions/v4/fold from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_fold();
DROP FUNCTION jikan_sync.v4_day(date);
DROP FUNCTION jikan_sync.v4_digits(text, integer);

COMMIT;
