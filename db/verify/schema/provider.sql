-- Verify pgjikan:schema/provider on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    name,
    base_url,
    rank,
    enabled,
    per_second,
    per_minute,
    per_day,
    key_header,
    keyed_per_second,
    keyed_per_minute,
    keyed_per_day
FROM jikan_sync.provider
WHERE FALSE;

DO $$
BEGIN
    INSERT INTO jikan_sync.provider (name, base_url, rank, per_minute)
    VALUES ('verify', 'http://127.0.0.1:1/v4', 999999, 30);
    ASSERT (
        SELECT r.allowed FROM jikan_sync.rate_limit AS r
        WHERE r.subject = 'provider:verify' AND r.period = '1 minute'
    ) = 30;
    UPDATE jikan_sync.provider SET key_header = 'X-Key', keyed_per_minute = 90
    WHERE name = 'verify';
    ASSERT (
        SELECT r.allowed FROM jikan_sync.rate_limit AS r
        WHERE r.subject = jikan_sync.limit_subject('verify', true) AND r.period = '1 minute'
    ) = 90;
    BEGIN
        UPDATE jikan_sync.provider SET base_url = 'https://me:secret@127.0.0.1/v4'
        WHERE name = 'verify';
        ASSERT false, 'a base URL with a password was taken';
    EXCEPTION
        WHEN check_violation THEN NULL;
    END;
END;
$$;

ROLLBACK;
