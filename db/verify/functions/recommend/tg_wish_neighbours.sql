-- Verify pgjikan:functions/recommend/tg_wish_neighbours on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT EXISTS (
        SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'wish_neighbours_of_new' AND tgrelid = 'jikan.embedding'::regclass
    );
    ASSERT EXISTS (
        SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'wish_neighbours_of_changed' AND tgrelid = 'jikan.embedding'::regclass
    );
    ASSERT EXISTS (
        SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'wish_neighbours_of_new' AND tgrelid = 'jikan.franchise'::regclass
    );
    ASSERT EXISTS (
        SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'wish_neighbours_of_old' AND tgrelid = 'jikan.franchise'::regclass
    );
END;
$$;

ROLLBACK;
