-- Revert pgjikan:schema/hit from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name = 'hit_sample';
DROP TABLE jikan_sync.demand;
DROP TABLE jikan_sync.hit;

COMMIT;
