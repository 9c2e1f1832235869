-- Deploy pgjikan:functions/search/search_words to pg
-- requires: functions/search/search_titles

-- The second stage: titles that have all the words, in any order, the season number perhaps from
-- another title of the same anime. Candidates come from the longest words, less the anime that the
-- first stage knows; the rest is compared, which is dear, so few are let through to there.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.search_words(
    q jikan_sync.search_query,
    known jikan_sync.search_hit[]
)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A variable of its own: of one inside q every field costs a look into the whole.
    v_filter CONSTANT jikan_sync.face_filter := q.filter;
    v_many CONSTANT integer := greatest(500, q.read_rows);
    v_read integer := v_many;
    c_last CONSTANT text := U&'\+10FFFF';
    v_bare CONSTANT text := regexp_replace(q.words, '^(the|an?) (?=.)', '');
    v_whole CONSTANT text[] := ARRAY[v_bare, 'the ' || v_bare, 'a ' || v_bare, 'an ' || v_bare];
    v_known bigint[] := ARRAY(SELECT k.anime_id FROM unnest(known) AS k);
    v_ids bigint[];
    v_others bigint[];
    v_hits jikan_sync.search_hit[];
BEGIN
    IF q.seed = '' THEN
        RETURN NULL;
    END IF;
    IF known IS NOT NULL THEN
        -- Where a title is the query, the others only fill the answer.
        IF EXISTS (SELECT FROM unnest(known) AS k WHERE k.rank >= 0.9) THEN
            v_read := greatest(150, q.read_rows);
        END IF;
    END IF;
    IF cardinality(q.tokens) = 1 AND q.number IS NULL THEN
        -- Titles that begin with the one word were the first stage's.
        v_ids := ARRAY(
            SELECT f.anime_id
            FROM jikan_sync.find_word(q.seed, q.seed || c_last, q.read_rows) AS f
            WHERE f.anime_id <> ALL (v_known)
        );
    ELSIF cardinality(q.patterns) = 1 THEN
        v_ids := ARRAY(
            SELECT f.anime_id
            FROM jikan_sync.find_anime(q.seed, q.read_rows) AS f
            WHERE f.anime_id <> ALL (v_known)
        );
    ELSE
        v_ids := ARRAY(
            SELECT f.anime_id
            FROM jikan_sync.find_anime(q.seed, v_read) AS f
            WHERE f.anime_id <> ALL (v_known)
        );
        -- To read the titles of twenty takes as long as to find whose have another word.
        IF cardinality(v_ids) > 20 AND q.seed_2 <> '' THEN
            v_others := ARRAY(SELECT f.anime_id FROM jikan_sync.find_anime(q.seed_2, v_many) AS f);
            -- Of a word that more have than were read, it is not known who does not have it.
            IF cardinality(v_ids) > 60 OR cardinality(v_others) < v_many THEN
                v_ids := ARRAY(SELECT unnest(v_ids) INTERSECT SELECT unnest(v_others));
            END IF;
        END IF;
    END IF;
    IF v_ids = '{}' THEN
        RETURN NULL;
    END IF;

    SELECT
        array_agg(
            (
                t.anime_id,
                t.title,
                CASE WHEN t.is_bare THEN 'exact' ELSE 'prefix' END,
                CASE
                    WHEN t.is_bare THEN 0.85 + 0.05 * a.popularity_share
                    WHEN q.number IS NULL
                        THEN
                            0.52
                            + 0.28 * a.popularity_share
                            - float8 '0.03' * least(abs(t.number) - 1, 1)
                    WHEN q.number = t.number THEN 0.62 + 0.28 * a.popularity_share
                    WHEN abs(q.number) = abs(t.number)
                        AND (t.number > 0 OR q.number < 0 OR q.name NOT LIKE '% part %')
                        THEN 0.55 + 0.28 * a.popularity_share
                    -- The anime, but not the season asked for: no answer to stop at.
                    ELSE 0.10 + 0.10 * a.popularity_share
                END
                + CASE
                    WHEN t.is_bare THEN 0
                    ELSE 0.05 * least(1, length(q.key)::real / length(t.key))
                END
            )::jikan_sync.search_hit
        )
    INTO v_hits
    FROM (
        SELECT
            i.anime_id,
            i.title,
            i.number,
            i.key,
            -- The whole title, but for an article.
            NOT i.is_short AND i.words = ANY (v_whole) AS is_bare
        FROM unnest(v_ids) AS c (anime_id)
        INNER JOIN jikan.title AS i ON i.anime_id = c.anime_id
        WHERE (' ' || i.words || ' ' || i.key) LIKE ALL (q.patterns)
        ORDER BY i.tier
        LIMIT q.read_rows
    ) AS t
    INNER JOIN jikan_sync.findable AS a ON a.id = t.anime_id
    WHERE jikan_sync.admits(v_filter, a);
    IF v_hits IS NOT NULL OR known IS NOT NULL OR cardinality(q.patterns) = 1 THEN
        RETURN v_hits;
    END IF;

    -- "fma brotherhood": the words stand in different titles.
    SELECT
        array_agg(
            (
                a.id,
                a.title,
                'prefix',
                0.40 + 0.20 * a.popularity_share
                - CASE WHEN q.number IS NULL THEN float8 '0.03' * least(abs(t.number) - 1, 1) ELSE 0 END
            )::jikan_sync.search_hit
        )
    INTO v_hits
    FROM (
        SELECT
            i.anime_id,
            min(i.number) AS number
        FROM unnest(v_ids[1:300]) AS c (anime_id)
        INNER JOIN jikan.title AS i ON i.anime_id = c.anime_id
        WHERE q.number IS NULL OR abs(q.number) = abs(i.number)
        GROUP BY i.anime_id
        HAVING string_agg(' ' || i.words || ' ' || i.key, '') LIKE ALL (q.patterns)
    ) AS t
    INNER JOIN jikan_sync.findable AS a ON a.id = t.anime_id
    WHERE jikan_sync.admits(v_filter, a);
    RETURN v_hits;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_words(
    jikan_sync.search_query, jikan_sync.search_hit[]
) IS
'Anime not `known` yet with a title that has all words of the query or words that begin so (rank 0.5
up), or all but the season (under 0.3); where none is known, also those whose different titles have
them (0.4 to 0.6). NULL: none.';

COMMIT;
