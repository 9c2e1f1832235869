-- Revert pgjikan:functions/recommend/title_stem from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.title_words(text);
DROP FUNCTION jikan_sync.title_stem(text);

COMMIT;
