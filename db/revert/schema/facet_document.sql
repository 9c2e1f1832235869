-- Revert pgjikan:schema/facet_document from pg

BEGIN;

-- What is gone must not count as fresh when it is deployed again.
DELETE FROM jikan_sync.ledger
WHERE facet IN (SELECT d.facet FROM jikan.facet_document AS d);

DROP TABLE jikan.facet_document;

COMMIT;
