-- Revert pgjikan:functions/store/index_titles from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.index_titles(bigint[]);
DROP FUNCTION jikan_sync.title_words(text, text);

COMMIT;
