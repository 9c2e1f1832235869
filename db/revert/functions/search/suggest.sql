-- Revert pgjikan:functions/search/suggest from pg

BEGIN;

DROP FUNCTION anime.suggest(text, integer, boolean);

COMMIT;
