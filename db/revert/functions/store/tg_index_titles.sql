-- Revert pgjikan:functions/store/tg_index_titles from pg

BEGIN;

DROP TRIGGER drop_titles_of_deleted ON jikan.anime;
DROP TRIGGER index_titles_of_changed ON jikan.anime;
DROP TRIGGER index_titles_of_new ON jikan.anime;
DROP FUNCTION jikan_sync.tg_index_titles();

COMMIT;
