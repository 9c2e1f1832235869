-- Revert pgjikan:schema/episode from pg

BEGIN;

-- What is gone must not count as fresh when it is deployed again.
DELETE FROM jikan_sync.ledger
WHERE facet = 'episodes';

DROP TABLE jikan.episode;

COMMIT;
