-- Revert pgjikan:functions/store/store_episodes from pg

BEGIN;

UPDATE jikan_sync.facet SET store = NULL
WHERE name = 'episodes';
DROP FUNCTION jikan_sync.store_episodes(integer, jsonb, timestamptz);
DROP FUNCTION jikan_sync.is_episode(jsonb);

COMMIT;
