-- Revert pgjikan:functions/face/check_arguments from pg

BEGIN;

DROP FUNCTION jikan_sync.check_mal_ids(integer[], text, integer);
DROP FUNCTION jikan_sync.check_mal_id(integer);
DROP FUNCTION jikan_sync.check_search(
    integer, integer, integer, double precision, text[], text[]
);
DROP FUNCTION jikan_sync.check_names(text, text[], text[]);
DROP FUNCTION jikan_sync.known_statuses();
DROP FUNCTION jikan_sync.known_types();
DROP FUNCTION jikan_sync.proper_names(text[], text[]);
DROP FUNCTION jikan_sync.check_max_rows(integer);

COMMIT;
