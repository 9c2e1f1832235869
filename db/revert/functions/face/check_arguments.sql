-- Revert pgjikan:functions/face/check_arguments from pg

BEGIN;

DROP FUNCTION jikan_sync.check_mal_ids(integer[], text, integer);
DROP FUNCTION jikan_sync.check_mal_id(integer);
DROP FUNCTION jikan_sync.check_search(integer, integer, integer, double precision);
DROP FUNCTION jikan_sync.check_max_rows(integer);

COMMIT;
