-- Verify pgjikan:functions/upstream/report_request on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.report_request('nobody', 'ok', 'anime', 'anime:1', 200, NULL, 12.5, 1000);
    ASSERT (
        SELECT s.request_count FROM jikan_sync.request_stat AS s WHERE s.provider = 'nobody'
    ) = 1;
    ASSERT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.report_request('
        'text, text, text, text, integer, interval, double precision, integer, boolean)',
        'execute'
    );
END;
$$;

ROLLBACK;
