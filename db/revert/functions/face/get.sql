-- Revert pgjikan:functions/face/get from pg

BEGIN;

DROP FUNCTION anime.get(integer);
DROP FUNCTION jikan_sync.anime_json(integer);
DROP FUNCTION jikan_sync.freshness_json(integer);

COMMIT;
