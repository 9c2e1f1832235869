-- Revert pgjikan:functions/store/store_pictures from pg

BEGIN;

UPDATE jikan_sync.facet SET store = NULL
WHERE name = 'images';
DROP FUNCTION jikan_sync.store_pictures(integer, jsonb, timestamptz);

COMMIT;
