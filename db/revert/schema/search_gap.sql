-- Revert pgjikan:schema/search_gap from pg

BEGIN;

DROP VIEW anime.search_gap;

COMMIT;
