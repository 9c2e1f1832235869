-- Verify pgjikan:functions/search/search_bare on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    jikan_sync.prefer_hits('{}', 2000, '{TV}') AS hits,
    jikan_sync.search_otherwise(jikan_sync.parse_query('a wo b', 1, NULL), 1) AS others
FROM jikan_sync.read_bare('watch it');

ROLLBACK;
