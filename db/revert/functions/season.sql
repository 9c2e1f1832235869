-- Revert pgjikan:functions/season from pg

BEGIN;

DROP FUNCTION anime.season(integer, text);

COMMIT;
