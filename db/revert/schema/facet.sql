-- Revert pgjikan:schema/facet from pg

BEGIN;

DROP TABLE jikan_sync.facet;
DROP FUNCTION jikan_sync.tg_check_facet();

COMMIT;
