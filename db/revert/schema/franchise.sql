-- Revert pgjikan:schema/franchise from pg

BEGIN;

DROP TABLE jikan.franchise;

COMMIT;
