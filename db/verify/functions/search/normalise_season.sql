-- Verify pgjikan:functions/search/normalise_season on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.split_season('overlord iv') = ROW('overlord'::text, 4);
    ASSERT jikan_sync.fold_title('haikyuu') = 'haikyu';
END;
$$;

ROLLBACK;
