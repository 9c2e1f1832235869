-- Revert pgjikan:schema/facet_document from pg

BEGIN;

DROP TABLE jikan.facet_document;

COMMIT;
