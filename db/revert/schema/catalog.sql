-- Revert pgjikan:schema/catalog from pg

BEGIN;

DROP VIEW anime.studio;
DROP VIEW anime.genre;
DROP VIEW anime.catalog;

COMMIT;
