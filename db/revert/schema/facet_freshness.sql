-- Revert pgjikan:schema/facet_freshness from pg

BEGIN;

DROP VIEW jikan_sync.facet_freshness;

COMMIT;
