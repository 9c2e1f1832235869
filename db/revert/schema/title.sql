-- Revert pgjikan:schema/title from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP TABLE jikan_sync.vocabulary;
DROP TABLE jikan_sync.title_word;
DROP TABLE jikan.title;
DROP FUNCTION jikan_sync.spelling_keys(text);

COMMIT;
