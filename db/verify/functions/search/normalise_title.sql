-- Verify pgjikan:functions/search/normalise_title on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.normalise_title('  Yu☆Gi☆Oh!  ') = 'yu gi oh';
    ASSERT jikan_sync.normalise_title('ダンまちⅣ') = 'ダンまち iv';
END;
$$;

ROLLBACK;
