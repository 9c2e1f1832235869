-- Deploy pgjikan:functions/search/search_nickname to pg
-- requires: functions/search/search_titles

-- The last stage for a single word that nothing answers: fans make nicknames of the beginnings of
-- words ("asscla", Assassination Classroom). Only the most popular titles are tried, as only they
-- have nicknames.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.search_nickname(q jikan_sync.search_query)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A variable of its own: of one inside q every field costs a look into the whole.
    v_filter CONSTANT jikan_sync.face_filter := q.filter;
    v_regex text;
    v_loose text;
    v_letters text;
    v_hits jikan_sync.search_hit[];
BEGIN
    IF length(q.name) NOT BETWEEN 3 AND 10 OR q.name ~ '[^a-z]' THEN
        RETURN NULL;
    END IF;
    -- Each letter follows the one before, or begins a word, at first the next but for particles.
    v_regex := '^' || array_to_string(
        string_to_array(q.name, NULL),
        '([^ ]* ((no|of|the|to|wa|ga|ni|wo|o|a|an|and|de|in|on) )*)?'
    );
    v_letters := array_to_string(string_to_array(q.name, NULL), '%') || '%';
    v_loose := '^' || array_to_string(string_to_array(q.name, NULL), '([^ ]* ([^ ]+ )*)?');
    SELECT
        array_agg(
            (
                t.anime_id,
                t.title,
                'fuzzy',
                CASE WHEN t.words ~ v_regex THEN float8 '0.36' ELSE float8 '0.18' END
                + 0.20 * a.popularity_share
                - CASE WHEN q.number IS NULL THEN float8 '0.03' * least(abs(t.number) - 1, 1) ELSE 0 END
            )::jikan_sync.search_hit
        )
    INTO v_hits
    FROM (
        SELECT i.*
        FROM jikan_sync.find_key(left(q.name, 1), left(q.name, 1) || U&'\+10FFFF', 700) AS i
        -- The plain pattern lets few by, ten times faster.
        WHERE i.words LIKE v_letters
            AND i.words ~ v_loose
            AND (q.number IS NULL OR abs(q.number) = abs(i.number))
        LIMIT 40
    ) AS t
    INNER JOIN jikan_sync.findable AS a ON a.id = t.anime_id
    WHERE jikan_sync.admits(v_filter, a);
    RETURN v_hits;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_nickname(jikan_sync.search_query) IS
'Popular anime whose title has the letters of the query at the beginnings of its words.';

COMMIT;
