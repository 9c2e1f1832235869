-- Revert pgjikan:schema/episode from pg

BEGIN;

DROP TABLE jikan.episode;

COMMIT;
