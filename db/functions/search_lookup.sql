-- Deploy pgjikan:functions/search_lookup to pg
-- requires: schema/title
-- requires: schema/findable
-- requires: functions/search_query

-- The ways into the indexes. Each answers the `max_rows` most popular rows of a range: one scan
-- that descends once a tier and stops when it has enough, so its cost does not depend on how many
-- rows the range has.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.find_key(first text, past text, max_rows integer)
RETURNS SETOF jikan.title
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 20
BEGIN ATOMIC
    SELECT t.*
    FROM jikan.title AS t
    WHERE
        t.tier = any('{1, 2, 3, 4, 5, 6, 7}')
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
        w.tier = any('{1, 2, 3, 4, 5, 6, 7}')
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

CREATE FUNCTION jikan_sync.search_admits(q jikan_sync.search_query, anime jikan_sync.findable)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        ((search_admits.q).nsfw OR NOT (search_admits.anime).is_nsfw)
        AND (
            (search_admits.q).types IS NULL
            OR (search_admits.anime).type = any((search_admits.q).types)
        )
        AND (
            (search_admits.q).statuses IS NULL
            OR (search_admits.anime).status = any((search_admits.q).statuses)
        )
        AND (
            (search_admits.q).genres IS NULL
            OR (search_admits.anime).genre_names @> (search_admits.q).genres
        )
        AND (
            (search_admits.q).min_score IS NULL
            OR (search_admits.anime).score >= (search_admits.q).min_score
        )
        AND (
            (search_admits.q).year_from IS NULL
            OR coalesce(
                (search_admits.anime).year,
                extract(YEAR FROM (search_admits.anime).aired_from AT TIME ZONE 'UTC')
            ) >= (search_admits.q).year_from
        )
        AND (
            (search_admits.q).year_to IS NULL
            OR coalesce(
                (search_admits.anime).year,
                extract(YEAR FROM (search_admits.anime).aired_from AT TIME ZONE 'UTC')
            ) <= (search_admits.q).year_to
        );
END;

COMMENT ON FUNCTION jikan_sync.search_admits(jikan_sync.search_query, jikan_sync.findable) IS
'Whether an anime passes the filters of a search.';

COMMIT;
