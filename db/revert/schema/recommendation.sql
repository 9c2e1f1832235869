-- Revert pgjikan:schema/recommendation from pg

BEGIN;

-- What is gone must not count as fresh when it is deployed again.
DELETE FROM jikan_sync.ledger
WHERE facet = 'recommendations';

DROP VIEW jikan_sync.vote;
DROP TABLE jikan.recommendation_list;
DROP TABLE jikan.recommendation;

COMMIT;
