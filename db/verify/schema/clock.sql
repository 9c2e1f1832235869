-- Verify pgjikan:schema/clock on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.clock_set('2026-11-23T00:00:00Z');
    ASSERT jikan_sync.clock_now() = '2026-11-23T00:00:00Z';
    ASSERT jikan_sync.clock_advance('1 second') = '2026-11-23T00:00:01Z';
    ASSERT jikan_sync.ago('1 day') = '2026-11-22T00:00:01Z';
    SET LOCAL TIME ZONE 'Europe/Berlin';
    ASSERT jikan_sync.later('2026-03-28T12:00:00Z', '1 day') = '2026-03-29T12:00:00Z';
    ASSERT jikan_sync.earlier('2026-03-31T00:00:00Z', '1 month') = '2026-03-01T00:00:00Z';
    PERFORM jikan_sync.clock_reset();
    ASSERT abs(extract(epoch FROM jikan_sync.clock_now() - clock_timestamp())) < 60;
    SET LOCAL statement_timeout = 0;
    ASSERT NOT jikan_sync.is_over_time();
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.clock_set(timestamptz)', 'execute');
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.clock_set(timestamptz)', 'execute');
END;
$$;

ROLLBACK;
