-- Verify pgjikan:functions/v4/write_rows on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'write_v4_rows_of_new');
    ASSERT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'write_v4_rows_of_changed');
    ASSERT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'note_new_v4_row');
    ASSERT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'note_changed_v4_row');
    ASSERT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'note_deleted_v4_row');
END;
$$;

ROLLBACK;
