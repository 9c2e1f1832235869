-- Revert pgjikan:schema/health from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP VIEW anime.health;
DROP FUNCTION anime.check_health();
DELETE FROM jikan_sync.setting
WHERE name LIKE 'health\_%';
DROP INDEX jikan.anime_removed_idx;
DROP INDEX jikan.anime_embedding_hash_idx;

COMMIT;
