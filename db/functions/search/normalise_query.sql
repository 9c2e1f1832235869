-- Deploy pgjikan:functions/search/normalise_query to pg
-- requires: functions/search/normalise_title

-- Two searches that compare alike are one question: it goes upstream once, whoever asks and however
-- it was typed.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.normalise_query(query text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT left(jikan_sync.normalise_title(left(normalise_query.query, 200)), 200);
END;

COMMENT ON FUNCTION jikan_sync.normalise_query(text) IS
'The key of a search: queries with the same key are the same question. "" where nothing is left to
search for.';

COMMIT;
