-- Verify pgjikan:schema/franchise on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    mal_id,
    franchise_id
FROM jikan.franchise
WHERE FALSE;

ROLLBACK;
