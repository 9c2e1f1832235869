-- Verify pgjikan:functions/store/iso_time on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.iso_time('1998-04-03T00:00:00+00:00') = '1998-04-03T00:00:00Z';
    ASSERT jikan_sync.iso_time('1998-04-03') = '1998-04-03T00:00:00Z';
    ASSERT jikan_sync.iso_time('1998-04-03T10:00:00+02:00') = '1998-04-03T08:00:00Z';
    ASSERT jikan_sync.iso_time('tomorrow') IS NULL;
    ASSERT jikan_sync.iso_time('infinity') IS NULL;
    ASSERT jikan_sync.iso_time('2026-02-30') IS NULL;
END;
$$;

ROLLBACK;
