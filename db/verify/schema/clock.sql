-- Verify pgjikan:schema/clock on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.clock_set('2026-11-23T00:00:00Z');
    ASSERT jikan_sync.clock_now() = '2026-11-23T00:00:00Z';
    ASSERT jikan_sync.clock_advance('1 second') = '2026-11-23T00:00:01Z';
    PERFORM jikan_sync.clock_reset();
    ASSERT abs(extract(epoch FROM jikan_sync.clock_now() - clock_timestamp())) < 60;
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.clock_set(timestamptz)', 'execute');
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.clock_set(timestamptz)', 'execute');
END;
$$;

ROLLBACK;
