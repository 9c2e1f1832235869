-- Revert pgjikan:schema/v4_row from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP AGGREGATE jikan_sync.v4_bits(integer, integer);
DROP TABLE jikan_sync.v4_fold_state;
DROP TABLE jikan_sync.v4_genre;
DROP TABLE jikan_sync.v4_bitmap;
DROP TABLE jikan_sync.v4_change;
DROP TABLE jikan.v4_row;

COMMIT;
