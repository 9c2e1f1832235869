-- Verify pgjikan:functions/store/note_missing on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT jikan_sync.note_missing(2147483647);
    ASSERT jikan_sync.confirm_missing() >= 0;
END;
$$;

ROLLBACK;
