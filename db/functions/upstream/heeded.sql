-- Deploy pgjikan:functions/upstream/heeded to pg
-- requires: schema/setting

-- A Retry-After is believed, but not without bound: an upstream cannot silence us for years.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES (
    'rate_pause_max', '1 hour', 'interval', '1 second', '30 days',
    'Longest pause that a Retry-After can impose; then it is tried again.'
);

CREATE FUNCTION jikan_sync.heeded(retry_after interval)
RETURNS interval
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN heeded.retry_after IS NOT NULL
                THEN least(
                    greatest(heeded.retry_after, interval '0'),
                    jikan_sync.setting_interval('rate_pause_max')
                )
        END;
END;

COMMENT ON FUNCTION jikan_sync.heeded(interval) IS
'How much of a Retry-After is heeded: at most the setting `rate_pause_max`, whatever an upstream
says; NULL where it said nothing.';

COMMIT;
