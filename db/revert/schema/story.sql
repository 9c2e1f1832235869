-- Revert pgjikan:schema/story from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN ('foreign_word_limit', 'semantic_meaning_weight', 'semantic_title_weight');

DROP TABLE jikan_sync.foreign_word;

DROP TABLE jikan_sync.story_vector;

DROP TABLE jikan_sync.story_vocabulary;

DROP TABLE jikan_sync.story_word;

DROP TABLE jikan_sync.story;

COMMIT;
