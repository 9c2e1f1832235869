-- Deploy pgjikan:functions/search/search_hits to pg
-- requires: functions/search/search_ranked
-- requires: functions/search/search_answer
-- requires: functions/face/check_arguments

-- What the database knows for a query: by its own lights, and where those are not enough by what an
-- upstream once named for these words, even where no word matches.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.search_hits(
    query text,
    max_rows integer,
    filter jikan_sync.face_filter,
    OUT hits jikan_sync.search_hit[],
    OUT is_confident boolean,
    OUT meant text
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
    -- No PERFORM: that would set up a plan.
    IF NOT jikan_sync.check_search(
        max_rows, filter.year_from, filter.year_to, filter.min_score, filter.types, filter.statuses
    ) THEN
        RETURN;
    END IF;
    v_own := jikan_sync.search_ranked(query, max_rows, filter);
    hits := v_own.hits;
    is_confident := v_own.is_confident;
    meant := v_own.meant;
    IF is_confident THEN
        RETURN;
    END IF;

    v_key := jikan_sync.normalise_query(query);
    v_learned := jikan_sync.learned_mal_ids(v_key);
    IF coalesce(cardinality(v_learned), 0) = 0 THEN
        RETURN;
    END IF;
    q := jikan_sync.parse_query(query, max_rows, filter);
    -- What an upstream named goes before what merely resembles the words.
    hits := ARRAY(
        SELECT (h.anime_id, h.matched_title, h.match, h.rank)::jikan_sync.search_hit
        FROM (
            SELECT
                a.id AS anime_id,
                anime.plain_text(a.title) AS matched_title,
                'upstream' AS match,
                (0.5 / l.position)::real AS rank,
                l.position
            FROM unnest(v_learned) WITH ORDINALITY AS l (mal_id, position)
            INNER JOIN jikan_sync.findable AS a ON a.mal_id = l.mal_id
            WHERE jikan_sync.admits(q.filter, a)
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

COMMENT ON FUNCTION jikan_sync.search_hits(text, integer, jikan_sync.face_filter) IS
'What the database answers to a search, best first, and whether that is good enough not to ask an
upstream: a confident match, or what an upstream named for the query; `meant` as in
`jikan_sync.search_ranked`. Raises: 22023.';

COMMIT;
