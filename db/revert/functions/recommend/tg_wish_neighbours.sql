-- Revert pgjikan:functions/recommend/tg_wish_neighbours from pg

BEGIN;

DROP TRIGGER wish_neighbours_of_old ON jikan.franchise;
DROP TRIGGER wish_neighbours_of_new ON jikan.franchise;
DROP TRIGGER wish_neighbours_of_changed ON jikan.embedding;
DROP TRIGGER wish_neighbours_of_new ON jikan.embedding;
DROP FUNCTION jikan_sync.tg_wish_neighbours_of_franchise();
DROP FUNCTION jikan_sync.tg_wish_neighbours_of_vectors();

COMMIT;
