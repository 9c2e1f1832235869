-- Revert pgjikan:schema/catalog from pg

BEGIN;

REVOKE EXECUTE ON FUNCTION jikan_sync.later(timestamptz, interval) FROM anime_reader;
REVOKE EXECUTE ON FUNCTION jikan_sync.stale_at(timestamptz, interval) FROM anime_reader;

DROP VIEW anime.studio;
DROP VIEW anime.genre;
DROP VIEW anime.catalog;

COMMIT;
