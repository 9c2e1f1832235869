-- Deploy pgjikan:functions/search_titles to pg
-- requires: functions/search_lookup
-- requires: functions/index_titles

-- The first stage, and the only one that most key presses need: whole titles, whole names with the
-- season asked for, initials, and beginnings of titles.

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

CREATE FUNCTION jikan_sync.search_titles(q jikan_sync.search_query)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_last CONSTANT text := U&'\+10FFFF';
    v_squashed text := replace(q.words, ' ', '');
    v_initials text;
    v_hits jikan_sync.search_hit[];
BEGIN
    IF q.base = q.name AND length(q.name) BETWEEN 2 AND 10 THEN
        v_initials := '.' || q.name;
    END IF;
    WITH beginning AS MATERIALIZED (
        SELECT t.* FROM jikan_sync.find_key(q.key, q.key || c_last, q.read_rows) AS t
    )
    SELECT
        array_agg(
            (
                c.anime_id,
                c.title,
                CASE WHEN c.band < 5 THEN 'exact' ELSE 'prefix' END,
                CASE c.band
                    WHEN 1 THEN 0.95 + 0.05 * p.popularity
                    WHEN 2 THEN 0.90 + 0.05 * p.popularity
                    -- A synonym may be anything: one of a little known anime proves little.
                    WHEN 3 THEN 0.73 + 0.26 * p.popularity
                    WHEN 4 THEN 0.64 + 0.28 * p.popularity
                    WHEN 5 THEN 0.72 + 0.20 * p.popularity
                    WHEN 6 THEN 0.62 + 0.28 * p.popularity
                    ELSE 0.59 + 0.28 * p.popularity
                END
                - CASE
                    -- Nothing said: the first of a franchise. "Season 2": not "part 2".
                    WHEN q.number IS NULL THEN 0.03 * least(abs(c.number) - 1, 1)
                    WHEN q.number <> c.number THEN 0.10
                    ELSE 0
                END
            )::jikan_sync.search_hit
        )
    INTO v_hits
    FROM (
        SELECT DISTINCT ON (x.anime_id) x.*
        FROM (
            SELECT
                t.anime_id,
                t.title,
                t.number,
                CASE
                    WHEN t.key <> q.key AND t.type = 'Synonym' THEN 7
                    WHEN t.key <> q.key THEN 6
                    WHEN t.is_short THEN 7
                    WHEN t.type = 'Synonym' THEN 3
                    WHEN replace(t.words, ' ', '') = v_squashed THEN 1
                    ELSE 2
                END AS band
            FROM (
                SELECT b.* FROM beginning AS b
                UNION ALL
                -- Where many begin so, the most popular may leave no room for what is exactly so.
                SELECT w.*
                FROM jikan_sync.find_key(q.key, q.key || chr(1), q.read_rows) AS w
                WHERE (SELECT count(*) FROM beginning) >= q.read_rows
            ) AS t
            UNION ALL
            SELECT
                t.anime_id,
                t.title,
                t.number,
                CASE WHEN t.base = q.base AND NOT t.is_short THEN 2 ELSE 5 END
            FROM jikan_sync.find_key(q.base, q.base || c_last, least(3 * q.read_rows, 3000)) AS t
            WHERE q.number IS NOT NULL AND abs(q.number) = abs(t.number)
            UNION ALL
            SELECT t.anime_id, t.title, t.number, 4
            FROM jikan_sync.find_word(v_initials, v_initials || chr(1), q.read_rows) AS w
            INNER JOIN jikan.title AS t ON t.anime_id = w.anime_id
            WHERE v_initials IS NOT NULL
                AND t.position = 1
                AND (q.number IS NULL OR abs(q.number) = abs(t.number))
        ) AS x
        ORDER BY x.anime_id, x.band
    ) AS c
    INNER JOIN jikan.anime AS a ON a.id = c.anime_id
    CROSS JOIN LATERAL (
        SELECT (jikan_sync.popularity_weight(a.members, a.score) - 8) / 13 AS popularity
    ) AS p
    WHERE jikan_sync.search_admits(q, a);
    RETURN v_hits;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_titles(jikan_sync.search_query) IS
'Anime with a title that is the query (rank 0.9 to 1; a synonym: 0.73 to 0.99), whose initials it
is, or that begins so (0.6 up).';

COMMIT;
