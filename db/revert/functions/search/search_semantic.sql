-- Revert pgjikan:functions/search/search_semantic from pg

BEGIN;

DROP FUNCTION anime.search_semantic(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
);

DROP FUNCTION jikan_sync.query_likeness(text, bigint[]);

DROP FUNCTION jikan_sync.query_probe(text);

COMMIT;
