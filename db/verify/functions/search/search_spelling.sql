-- Verify pgjikan:functions/search/search_spelling on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    f.is_whole,
    jikan_sync.search_spelling(jikan_sync.parse_query('nartuo', 1, NULL), '{naruto}', 0) AS hits
FROM jikan_sync.find_reading('nartuo', '{naruto}') AS f;

ROLLBACK;
