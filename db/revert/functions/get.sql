-- Revert pgjikan:functions/get from pg

BEGIN;

DROP FUNCTION anime.get(integer);
DROP FUNCTION jikan_sync.anime_json(integer);
DROP FUNCTION jikan_sync.facet_json(timestamptz, interval);

COMMIT;
