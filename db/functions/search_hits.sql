-- Deploy pgjikan:functions/search_hits to pg
-- requires: functions/search_ranked
-- requires: functions/search_answer

-- What the database knows for a query: by its own lights, and where those are not enough by what an
-- upstream once named for these words, even where no word matches.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.check_search(
    max_rows integer,
    year_from integer,
    year_to integer,
    min_score double precision
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('max_rows must be from 1 to 100, not %s', coalesce(max_rows::text, 'NULL')),
            HINT = 'For whole lists read the view anime.catalog.';
    END IF;
    IF year_from > year_to THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('year_from (%s) is after year_to (%s)', year_from, year_to),
            HINT = 'Swap them.';
    END IF;
    IF min_score NOT BETWEEN 0 AND 10 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('min_score must be from 0 to 10, not %s', min_score),
            HINT = 'MyAnimeList scores run from 1 to 10.';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_search(integer, integer, integer, double precision) IS
'Refuses arguments of the face that cannot be meant. Raises: 22023.';

CREATE FUNCTION jikan_sync.search_hits(
    query text,
    max_rows integer,
    types text[],
    statuses text[],
    genres text[],
    year_from integer,
    year_to integer,
    min_score double precision,
    nsfw boolean,
    OUT hits jikan_sync.search_hit[],
    OUT is_confident boolean
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text;
    v_learned integer[];
    v_own record;
    q jikan_sync.search_query;
BEGIN
    PERFORM jikan_sync.check_search(max_rows, year_from, year_to, min_score);
    v_own := jikan_sync.search_ranked(
        query, max_rows, types, statuses, genres, year_from, year_to, min_score, nsfw
    );
    hits := v_own.hits;
    is_confident := v_own.is_confident;
    IF is_confident THEN
        RETURN;
    END IF;

    v_key := jikan_sync.normalise_query(query);
    v_learned := jikan_sync.learned_mal_ids(v_key);
    IF coalesce(cardinality(v_learned), 0) = 0 THEN
        RETURN;
    END IF;
    q := jikan_sync.parse_query(
        v_key, max_rows, types, statuses, genres, year_from, year_to, min_score, nsfw
    );
    -- What an upstream named goes before what merely resembles the words.
    hits := ARRAY(
        SELECT (h.anime_id, h.matched_title, h.match, h.rank)::jikan_sync.search_hit
        FROM (
            SELECT
                a.id AS anime_id,
                a.title AS matched_title,
                'upstream' AS match,
                (0.5 / l.position)::real AS rank,
                l.position
            FROM unnest(v_learned) WITH ORDINALITY AS l (mal_id, position)
            INNER JOIN jikan_sync.findable AS a ON a.mal_id = l.mal_id
            WHERE jikan_sync.search_admits(q, a)
            UNION ALL
            SELECT f.anime_id, f.matched_title, f.match, f.rank, 1000 + f.position
            FROM unnest(hits) WITH ORDINALITY AS f (anime_id, matched_title, match, rank, position)
            WHERE NOT EXISTS (
                SELECT FROM jikan.anime AS b
                WHERE b.id = f.anime_id AND b.mal_id = ANY (v_learned)
            )
        ) AS h
        ORDER BY h.position
        LIMIT max_rows
    );
    is_confident := hits <> '{}';
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_hits(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'What the database answers to a search, best first, and whether that is good enough not to ask an
upstream: a confident match, or what an upstream named for the query. Raises: 22023.';

COMMIT;
