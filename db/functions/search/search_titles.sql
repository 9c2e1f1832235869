-- Deploy pgjikan:functions/search/search_titles to pg
-- requires: functions/search/search_lookup
-- requires: functions/store/index_titles

-- The first stage, and the only one that most key presses need: whole titles, whole names with the
-- season asked for, initials, and beginnings of titles. A statement each: to set up a plan takes
-- longer than to look into an index, and most queries need the first only.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.search_hit AS (
    anime_id bigint,
    matched_title text,
    match text,
    rank real
);

COMMENT ON TYPE jikan_sync.search_hit IS
'An anime that a stage of the search found: by which title, how, and how well (0 to 1).';

CREATE FUNCTION jikan_sync.title_hit(
    asked integer,
    anime jikan_sync.findable,
    title text,
    number integer,
    band integer
)
RETURNS jikan_sync.search_hit
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    -- Float constants, and each argument that is dear used once: so it is inlined, and fast.
    SELECT
        (
            (title_hit.anime).id,
            title_hit.title,
            CASE WHEN title_hit.band < 7 THEN 'exact' ELSE 'prefix' END,
            CASE title_hit.band
                WHEN 0 THEN float8 '0.97'
                WHEN 1 THEN float8 '0.955'
                WHEN 2 THEN float8 '0.93'
                WHEN 3 THEN float8 '0.90'
                -- A synonym may be anything: one of a little known anime proves little.
                WHEN 4 THEN float8 '0.72'
                WHEN 5 THEN float8 '0.70'
                WHEN 6 THEN float8 '0.64'
                WHEN 7 THEN float8 '0.72'
                WHEN 8 THEN float8 '0.62'
                ELSE float8 '0.59'
            END
            + CASE title_hit.band
                WHEN 0 THEN float8 '0.03'
                WHEN 1 THEN float8 '0.04'
                WHEN 2 THEN float8 '0.035'
                WHEN 3 THEN float8 '0.05'
                WHEN 5 THEN float8 '0.26'
                WHEN 7 THEN float8 '0.20'
                ELSE float8 '0.28'
            END * (title_hit.anime).popularity_share
            - CASE
                WHEN title_hit.band < 2 THEN float8 '0'
                -- Nothing said: the first of a franchise. "Season 2": not "part 2".
                WHEN title_hit.asked IS NULL
                    THEN CASE WHEN abs(title_hit.number) = 1 THEN float8 '0' ELSE float8 '0.035' END
                WHEN title_hit.asked <> title_hit.number THEN float8 '0.10'
                ELSE float8 '0'
            END
        )::jikan_sync.search_hit;
END;

COMMENT ON FUNCTION jikan_sync.title_hit(
    integer, jikan_sync.findable, text, integer, integer
) IS
'A hit of the first stage. `band`, how the title fits: 0 to the mark, 1 to the mark where plain
words were typed, so that a far more popular namesake wins, 2 to the letter, 3 but for long vowels,
4 as a synonym to the mark, 5 as a synonym, 6 by its initials, 7 the name goes on but the season is
the one asked for, 8 the title goes on, 9 a synonym goes on; `number` is the anime''s season,
`asked` the one asked for, or NULL.';

CREATE FUNCTION jikan_sync.title_band(
    typed text,
    is_plain boolean,
    asked_words text,
    asked_key text,
    type text,
    is_short boolean,
    title text,
    words text,
    key text
)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        -- "(TV)" and "(2012)" tell namesakes apart; they are no part of the name.
        WHEN
            title_band.key <> title_band.asked_key
            AND NOT (
                length(title_band.key) - length(title_band.asked_key) = 2
                AND title_band.title LIKE '%(TV)'
                OR length(title_band.key) - length(title_band.asked_key) = 4
                AND title_band.title ~ '\((19|20)\d\d\)$'
            )
            THEN CASE WHEN title_band.type = 'Synonym' THEN 9 ELSE 8 END
        WHEN
            jikan_sync.marked_title(title_band.title) = title_band.typed
            -- Who types neither mark nor capital quotes nobody.
            OR title_band.is_plain
            AND title_band.type <> 'Synonym'
            AND right(title_band.title, 1) = ')'
            AND jikan_sync.marked_title(
                regexp_replace(title_band.title, ' ?\((TV|(19|20)\d\d)\)$', '')
            ) = title_band.typed
            THEN CASE
                WHEN title_band.type = 'Synonym'
                    THEN CASE WHEN title_band.is_short THEN 9 ELSE 4 END
                WHEN title_band.is_plain THEN 1
                ELSE 0
            END
        WHEN title_band.is_short THEN 9
        WHEN title_band.type = 'Synonym' THEN 5
        WHEN
            title_band.key <> title_band.asked_key
            OR replace(title_band.words, ' ', '') = replace(title_band.asked_words, ' ', '')
            THEN 2
        ELSE 3
    END;
END;

COMMENT ON FUNCTION jikan_sync.title_band(
    text, boolean, text, text, text, boolean, text, text, text
) IS
'The band for `jikan_sync.title_hit` of a title that begins with the query, by four fields of this
and five columns of that; inlined.';

CREATE FUNCTION jikan_sync.search_titles(q jikan_sync.search_query)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A variable of its own: of one inside q every field costs a look into the whole.
    v_filter CONSTANT jikan_sync.face_filter := q.filter;
    c_last CONSTANT text := U&'\+10FFFF';
    v_number CONSTANT integer := q.number;
    v_key CONSTANT text := q.key;
    v_initials text;
    v_read integer;
    v_hits jikan_sync.search_hit[];
    v_more jikan_sync.search_hit[] := '{}'::jikan_sync.search_hit[];
BEGIN
    WITH beginning AS MATERIALIZED (
        SELECT t.anime_id, t.title, t.number, t.type, t.is_short, t.words, t.key
        FROM jikan_sync.find_key(v_key, v_key || c_last, q.read_rows) AS t
    )
    SELECT
        (SELECT count(*) FROM beginning),
        array_agg(jikan_sync.title_hit(v_number, a, c.title, c.number, c.band))
    INTO v_read, v_hits
    FROM (
        SELECT DISTINCT ON (b.anime_id)
            b.anime_id,
            b.title,
            b.number,
            jikan_sync.title_band(
                q.typed, q.is_plain, q.words, v_key,
                b.type, b.is_short, b.title, b.words, b.key
            ) AS band
        FROM beginning AS b
        ORDER BY b.anime_id, band
    ) AS c
    INNER JOIN jikan_sync.findable AS a ON a.id = c.anime_id
    WHERE jikan_sync.admits(v_filter, a);

    -- Where many begin so, the most popular may leave no room for what is exactly so.
    IF v_read >= q.read_rows THEN
        v_more := v_more || ARRAY(
            SELECT jikan_sync.title_hit(v_number, a, t.title, t.number, t.band)
            FROM (
                SELECT
                    k.anime_id,
                    k.title,
                    k.number,
                    jikan_sync.title_band(
                        q.typed, q.is_plain, q.words, v_key,
                        k.type, k.is_short, k.title, k.words, k.key
                    ) AS band
                FROM jikan_sync.find_key(v_key, v_key || chr(1), q.read_rows) AS k
                OFFSET 0  -- else it would be reckoned in each place that reads it
            ) AS t
            INNER JOIN jikan_sync.findable AS a ON a.id = t.anime_id
            WHERE jikan_sync.admits(v_filter, a)
        );
    END IF;

    -- "kizumonogatari i" may be the beginning of a title before it is a number.
    IF v_number IS NOT NULL AND (v_hits IS NULL OR q.words NOT LIKE '% i') THEN
        v_more := v_more || ARRAY(
            SELECT jikan_sync.title_hit(
                v_number, a, t.title, t.number,
                CASE WHEN t.base = q.base AND NOT t.is_short THEN 3 ELSE 7 END
            )
            FROM jikan_sync.find_key(q.base, q.base || c_last, least(3 * q.read_rows, 3000)) AS t
            INNER JOIN jikan_sync.findable AS a ON a.id = t.anime_id
            WHERE abs(v_number) = abs(t.number)
                -- "season 2 part 2" is no second part of the first season.
                AND (t.number > 0 OR v_number < 0 OR q.name NOT LIKE '% part %')
                AND jikan_sync.admits(v_filter, a)
        );
    END IF;

    IF q.base = q.name AND length(q.name) BETWEEN 2 AND 10 THEN
        v_initials := '.' || q.name;
        v_more := v_more || ARRAY(
            SELECT jikan_sync.title_hit(v_number, a, t.title, t.number, 6)
            FROM jikan_sync.find_word(v_initials, v_initials || chr(1), q.read_rows) AS w
            INNER JOIN jikan.title AS t ON t.anime_id = w.anime_id
            INNER JOIN jikan_sync.findable AS a ON a.id = t.anime_id
            WHERE t.position = 1
                AND (v_number IS NULL OR abs(v_number) = abs(t.number))
                AND jikan_sync.admits(v_filter, a)
        );
    END IF;

    IF v_more = '{}' THEN
        RETURN v_hits;
    END IF;
    RETURN ARRAY(
        SELECT DISTINCT ON (h.anime_id) h
        FROM unnest(v_hits || v_more) AS h
        ORDER BY h.anime_id, h.rank DESC
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_titles(jikan_sync.search_query) IS
'Anime with a title that is the query (rank 0.89 to 1; a synonym: 0.66 to 1), whose initials it
is, or that begins so (0.6 up), each once. NULL: none.';

COMMIT;
