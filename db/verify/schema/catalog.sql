-- Verify pgjikan:schema/catalog on pg

BEGIN;

SELECT v.*
FROM anime.catalog AS v
WHERE false;

SELECT v.*
FROM anime.genre AS v
WHERE false;

SELECT v.*
FROM anime.studio AS v
WHERE false;

ROLLBACK;
