-- Revert pgjikan:schema/neighbour from pg

BEGIN;

DROP VIEW jikan_sync.recommendable;
DROP VIEW jikan_sync.candidate;
DROP TABLE jikan_sync.newcomer;
DROP TABLE jikan_sync.neighbour_wish;
DROP TABLE jikan.neighbour;
DROP TABLE jikan_sync.recount;
DROP TABLE jikan_sync.trait;
DROP TABLE jikan.profile;

COMMIT;
