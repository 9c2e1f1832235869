-- Revert pgjikan:schema/recommendation from pg

BEGIN;

DROP VIEW jikan_sync.vote;
DROP TABLE jikan.recommendation_list;
DROP TABLE jikan.recommendation;

COMMIT;
