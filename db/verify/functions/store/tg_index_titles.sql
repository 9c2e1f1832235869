-- Verify pgjikan:functions/store/tg_index_titles on pg

BEGIN;

DO $$
BEGIN
    ASSERT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'index_titles_of_new');
END;
$$;

DO $$
BEGIN
    ASSERT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'index_titles_of_changed');
    ASSERT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'drop_titles_of_deleted');
END;
$$;

ROLLBACK;
