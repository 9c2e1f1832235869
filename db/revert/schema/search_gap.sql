-- Revert pgjikan:schema/search_gap from pg

BEGIN;

DROP VIEW jikan_sync.search_gap;

COMMIT;
