-- Revert pgjikan:functions/recommend/write_profiles from pg

BEGIN;

DROP TRIGGER write_profiles_of_changed ON jikan.anime;
DROP TRIGGER write_profiles_of_new ON jikan.anime;
DROP FUNCTION jikan_sync.tg_write_profiles();
DROP FUNCTION jikan_sync.write_profiles(bigint[]);

COMMIT;
