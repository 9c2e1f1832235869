-- Revert pgjikan:functions/face/season from pg

BEGIN;

DROP FUNCTION anime.season(integer, text, boolean);

COMMIT;
