-- Deploy pgjikan:functions/search/search_lookup to pg
-- requires: schema/title
-- requires: functions/search/search_query

-- The ways into the indexes. Each answers the `max_rows` most popular rows of a range: one scan
-- that descends once a tier and stops when it has enough, so its cost does not depend on how many
-- rows the range has.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.find_key(first text, past text, max_rows integer)
RETURNS TABLE (
    anime_id bigint,
    number smallint,
    type text,
    is_short boolean,
    title text,
    words text,
    key text,
    base text
)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 20
BEGIN ATOMIC
    SELECT
        t.anime_id,
        t.number,
        t.type,
        t.is_short,
        t.title,
        t.words,
        t.key,
        t.base
    FROM jikan.title AS t
    WHERE
        t.tier = any('{1, 2, 3, 4, 5, 6}')
        AND t.key >= find_key.first
        AND t.key < find_key.past
    ORDER BY t.tier, t.key
    LIMIT find_key.max_rows;
END;

COMMENT ON FUNCTION jikan_sync.find_key(text, text, integer) IS
'The `max_rows` most popular titles whose key is in [`first`, `past`).';

CREATE FUNCTION jikan_sync.find_word(first text, past text, max_rows integer)
RETURNS TABLE (anime_id bigint)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 20
BEGIN ATOMIC
    SELECT w.anime_id
    FROM jikan_sync.title_word AS w
    WHERE
        w.tier = any('{1, 2, 3, 4, 5, 6}')
        AND w.word >= find_word.first
        AND w.word < find_word.past
    ORDER BY w.tier, w.word
    LIMIT find_word.max_rows;
END;

COMMENT ON FUNCTION jikan_sync.find_word(text, text, integer) IS
'The `max_rows` most popular anime, some perhaps twice, with a word in [`first`, `past`).';

CREATE FUNCTION jikan_sync.find_anime(word text, max_rows integer)
RETURNS TABLE (anime_id bigint)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 40
BEGIN ATOMIC
    SELECT w.anime_id
    FROM
        jikan_sync.find_word(
            find_anime.word, find_anime.word || U&'\+10FFFF', find_anime.max_rows
        ) AS w
    UNION
    SELECT k.anime_id
    FROM jikan_sync.find_key(
        jikan_sync.fold_title(find_anime.word),
        jikan_sync.fold_title(find_anime.word) || U&'\+10FFFF',
        find_anime.max_rows
    ) AS k;
END;

COMMENT ON FUNCTION jikan_sync.find_anime(text, integer) IS
'Anime, the `max_rows` most popular each way, that have a title with a word beginning so, or itself
beginning so.';

COMMIT;
