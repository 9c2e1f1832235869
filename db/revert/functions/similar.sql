-- Revert pgjikan:functions/similar from pg

BEGIN;

DROP FUNCTION anime."similar"(
    integer, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean
);

DROP FUNCTION jikan_sync.check_mal_ids(integer[], text);

DROP FUNCTION jikan_sync.request_vectors(integer[]);

DROP FUNCTION jikan_sync.taste_probes(bigint[]);

COMMIT;
