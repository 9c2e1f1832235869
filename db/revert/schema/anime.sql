-- Revert pgjikan:schema/anime from pg

BEGIN;

DROP TABLE jikan.anime;

COMMIT;
