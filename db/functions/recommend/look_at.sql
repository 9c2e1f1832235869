-- Deploy pgjikan:functions/recommend/look_at to pg
-- requires: functions/recommend/refresh_neighbours

-- What is known of liked titles, and what is found by looking: their neighbours, which are kept
-- ready or reckoned on the spot, and how well any other title goes with them by content.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.known_neighbour AS (
    anime_id bigint,
    mal_ids integer [],
    scores real [],
    ways "char" [],
    sibling_mal_ids integer [],
    sibling_scores real [],
    floor real,
    wanted sparsevec
);

COMMENT ON TYPE jikan_sync.known_neighbour IS
'What goes with an anime, as `jikan.neighbour` keeps it or as it was just reckoned.';

CREATE FUNCTION jikan_sync.known_neighbours(anime_ids bigint[])
RETURNS SETOF jikan_sync.known_neighbour
LANGUAGE plpgsql
STABLE
ROWS 5
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    c_on_the_spot CONSTANT integer := 10;
    v_missing bigint[];
BEGIN
    RETURN QUERY
    SELECT
        n.anime_id, n.mal_ids, n.scores, n.ways, n.sibling_mal_ids, n.sibling_scores, n.floor,
        n.wanted
    FROM jikan.neighbour AS n
    WHERE n.anime_id = ANY (anime_ids);
    v_missing := ARRAY(
        SELECT i.id
        FROM unnest(anime_ids) AS i (id)
        WHERE NOT EXISTS (SELECT FROM jikan.neighbour AS n WHERE n.anime_id = i.id)
    );
    IF v_missing <> '{}' THEN
        RETURN QUERY
        SELECT r.* FROM jikan_sync.reckon_neighbours(v_missing[:c_on_the_spot]) AS r;
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.known_neighbours(bigint[]) IS
'The neighbours of these anime as they are kept; the first ten that have none are reckoned.';

CREATE FUNCTION jikan_sync.look_at(
    liked jikan_sync.known_neighbour[],
    weights real[],
    anime_ids bigint[],
    with_franchise boolean
)
RETURNS TABLE (anime_id bigint, mal_id integer, popularity real, score double precision)
LANGUAGE plpgsql
STABLE
ROWS 50
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    -- Worked out once, not for every title that is compared.
    WITH weight AS MATERIALIZED (
        SELECT w.* FROM jikan_sync.neighbour_weight() AS w
    ),

    subject AS MATERIALIZED (
        SELECT
            p.anime_id,
            p.year,
            p.popularity,
            p.rating,
            p.stem,
            p.stem_english,
            CASE WHEN length(p.stem) >= 6 THEN jikan_sync.title_words(p.stem) END AS words,
            CASE WHEN length(p.stem_english) >= 6 THEN jikan_sync.title_words(p.stem_english) END
                AS words_english,
            l.floor,
            weights[l.ordinality] AS weight,
            l.wanted,
            e.embedding
        FROM unnest(liked) WITH ORDINALITY AS l
        INNER JOIN jikan.profile AS p ON p.anime_id = l.anime_id
        LEFT JOIN jikan_sync.recommendable AS e ON e.anime_id = l.anime_id
    )

    SELECT
        r.anime_id,
        r.mal_id,
        r.popularity,
        sum(
            s.weight * CASE WHEN c.excess > 0 THEN sqrt(c.excess) ELSE c.excess / 1000 END
        ) / sum(s.weight) AS score
    FROM subject AS s
    CROSS JOIN weight AS w
    INNER JOIN jikan_sync.recommendable AS r
        ON r.anime_id = ANY (anime_ids)
        AND r.anime_id <> s.anime_id
    CROSS JOIN LATERAL (
        SELECT
            jikan_sync.content_score(
                s.wanted, r.traits, s.embedding, r.embedding, w.vector, w.era, s.year - r.year,
                w.popularity_gap, s.popularity - r.popularity, w.score_gap, s.rating - r.rating,
                w.popularity, r.popularity, w.love, r.love
            ) - s.floor AS excess
    ) AS c
    GROUP BY r.anime_id, r.mal_id, r.popularity
    HAVING with_franchise
        OR NOT coalesce(
            bool_or(
                r.stem IN (s.stem, s.stem_english)
                OR strpos(r.words, s.words) > 0
                OR strpos(r.words, s.words_english) > 0
            ),
            false
        );
END;
$$;

COMMENT ON FUNCTION jikan_sync.look_at(
    jikan_sync.known_neighbour[], real[], bigint[], boolean
) IS
'How well each of `anime_ids` goes with the `liked`, in their weighted mean, by content alone, on
the scale of `jikan_sync.pick_recommendations`: above 0 what belongs in their lists, below what does
not. None whose name says that it is of their franchises, unless `with_franchise`.';

COMMIT;
