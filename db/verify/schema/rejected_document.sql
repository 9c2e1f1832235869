-- Verify pgjikan:schema/rejected_document on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.reject_document('verify', 1, 'a probe', '{}');
    PERFORM jikan_sync.reject_document('verify', 1, 'a probe', '{}');
    ASSERT (SELECT seen_count = 2 FROM jikan_sync.rejected_document WHERE source = 'verify');
END;
$$;

ROLLBACK;
