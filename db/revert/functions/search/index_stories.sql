-- Revert pgjikan:functions/search/index_stories from pg

BEGIN;

DROP TRIGGER index_stories_of_changed ON jikan.embedding;

DROP TRIGGER index_stories_of_new ON jikan.embedding;

DROP FUNCTION jikan_sync.tg_index_stories();

DROP FUNCTION jikan_sync.index_stories(bigint[]);

DROP FUNCTION jikan_sync.word_weight(integer, bigint);

COMMIT;
