-- Revert pgjikan:functions/upstream/report_request from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.report_request(
    text, text, text, text, integer, interval, double precision, integer, boolean
);
DROP FUNCTION jikan_sync.report_failure(text, text, boolean, boolean, text);

COMMIT;
