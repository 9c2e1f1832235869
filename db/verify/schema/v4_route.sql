-- Verify pgjikan:schema/v4_route on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    pattern,
    handler,
    facet,
    kind,
    likeness,
    depth
FROM jikan_sync.v4_route
WHERE FALSE;

SELECT
    rule,
    words,
    is_recorded
FROM jikan_sync.v4_message
WHERE FALSE;

SELECT
    kind,
    word,
    meaning,
    tag
FROM jikan_sync.v4_word
WHERE FALSE;

SELECT
    pattern,
    name,
    place,
    is_in_path,
    type,
    least,
    most,
    words
FROM jikan_sync.v4_parameter
WHERE FALSE;

ROLLBACK;
