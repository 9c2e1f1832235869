-- Deploy pgjikan:functions/recommend/pick_recommendations to pg
-- requires: functions/recommend/look_at
-- requires: functions/recommend/popular_titles
-- requires: functions/recommend/recommendation_reasons
-- requires: functions/recommend/recommendation_rows

-- From titles that are liked to titles that are recommended: the neighbours of all of them, which
-- are kept ready; those that have none yet are reckoned here, where the first few will do. What is
-- so new that no neighbour knows of it is looked at in every answer. Where filters or franchises
-- leave too few, the most popular titles that pass are looked at, at last all of them. Plans are
-- kept: they would be the same for other titles, and to make one costs more than to run it.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'recommend_popularity_weight',
    '3',
    'number',
    '0',
    '100',
    'What three million members are worth to anime.recommend, where a title that is voted for with '
    'every liked one has about 5. More finds what most people also like, less what few know.'
),
(
    'recommend_dislike_weight',
    '0.5',
    'number',
    '0',
    '10',
    'What it costs to go with a disliked title, as a share of what going with a liked one gains.'
);

CREATE FUNCTION jikan_sync.pick_recommendations(
    liked bigint[],
    liked_weights real[],
    disliked bigint[],
    disliked_weights real[],
    without bigint[],
    popularity_weight double precision,
    max_rows integer,
    with_franchise boolean,
    filter jikan_sync.face_filter
)
RETURNS SETOF anime.recommendation
LANGUAGE plpgsql
STABLE
ROWS 10
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
-- No title is looked up twice.
SET enable_memoize = off
SET jit = off
AS $$
DECLARE
    c_newcomers CONSTANT integer := 50;
    -- What else there is is compared with so many of the liked.
    c_compared CONSTANT integer := 10;
    v_dislike_weight CONSTANT double precision :=
        jikan_sync.setting_number('recommend_dislike_weight');
    -- Who asks for sequels wants them: to be one counts as a vote.
    v_sibling_worth CONSTANT double precision :=
        jikan_sync.setting_number('neighbour_vote_weight');
    v_lists jikan_sync.known_neighbour[];
    v_siblings integer[];
    v_hidden integer[] := ARRAY(
        SELECT a.mal_id FROM jikan.anime AS a WHERE a.id = ANY (liked || disliked || without)
    );
    v_mal_ids integer[];
    v_disliked_mal_ids integer[];
    v_penalties double precision[];
    v_ids bigint[];
    v_scores double precision[];
    v_walked boolean[];
    v_compared jikan_sync.known_neighbour[];
    v_weights real[];
    v_more bigint[];
    v_found integer;
    v_more_ids bigint[] := '{}';
    v_more_scores double precision[] := '{}';
    v_title record;
    v_stems text[];
    v_franchises integer[];
    v_picked bigint[];
    v_ranks real[];
    v_picked_walked boolean[];
    v_depth integer;
BEGIN
    SELECT array_agg(n) INTO v_lists
    FROM jikan_sync.known_neighbours(liked || disliked) AS n;

    v_siblings := ARRAY(
        SELECT DISTINCT s.mal_id
        FROM unnest(v_lists) AS n
        CROSS JOIN LATERAL unnest(n.sibling_mal_ids) AS s (mal_id)
    );
    IF NOT with_franchise THEN
        v_hidden := ARRAY(
            SELECT h.mal_id FROM unnest(v_hidden || v_siblings) AS h (mal_id)
            UNION
            SELECT s.mal_id
            FROM jikan.neighbour AS n
            CROSS JOIN LATERAL unnest(n.sibling_mal_ids) AS s (mal_id)
            WHERE n.anime_id = ANY (without)
            UNION
            SELECT g.mal_id
            FROM jikan.franchise AS f
            INNER JOIN jikan.franchise AS g ON g.franchise_id = f.franchise_id
            WHERE f.mal_id = ANY (v_hidden)
        );
    END IF;

    -- What each neighbour has from the liked, in their mean, less what it has from the disliked.
    SELECT
        coalesce(array_agg(e.mal_id) FILTER (WHERE e.gain IS NOT NULL), '{}'),
        array_agg(p.anime_id) FILTER (WHERE e.gain IS NOT NULL),
        array_agg(e.gain - e.penalty + popularity_weight * p.popularity)
            FILTER (WHERE e.gain IS NOT NULL),
        array_agg(e.is_walked) FILTER (WHERE e.gain IS NOT NULL),
        array_agg(e.mal_id) FILTER (WHERE e.gain IS NULL),
        array_agg(e.penalty) FILTER (WHERE e.gain IS NULL)
    INTO v_mal_ids, v_ids, v_scores, v_walked, v_disliked_mal_ids, v_penalties
    FROM (
        SELECT
            m.mal_id,
            sum(n.weight * sqrt(greatest(m.score, 0)))
                FILTER (WHERE n.weight > 0) / nullif(max(n.liked_total), 0) AS gain,
            coalesce(
                v_dislike_weight * sum(-n.weight * sqrt(greatest(m.score, 0)))
                    FILTER (WHERE n.weight < 0) / nullif(max(n.disliked_total), 0), 0
            ) AS penalty,
            bool_or(m.way = 'w') FILTER (WHERE n.weight > 0) AS is_walked
        FROM (
            SELECT
                k.*,
                i.weight,
                sum(i.weight) FILTER (WHERE i.weight > 0) OVER () AS liked_total,
                -sum(i.weight) FILTER (WHERE i.weight < 0) OVER () AS disliked_total
            FROM (
                SELECT l.id, l.weight FROM unnest(liked, liked_weights) AS l (id, weight)
                UNION ALL
                SELECT d.id, -d.weight FROM unnest(disliked, disliked_weights) AS d (id, weight)
            ) AS i
            INNER JOIN unnest(v_lists) AS k ON k.anime_id = i.id
        ) AS n
        CROSS JOIN LATERAL (
            SELECT u.mal_id, u.score, u.way
            FROM unnest(n.mal_ids, n.scores, n.ways) AS u (mal_id, score, way)
            UNION ALL
            SELECT s.mal_id, s.score + v_sibling_worth, 'a'::"char"
            FROM unnest(n.sibling_mal_ids, n.sibling_scores) AS s (mal_id, score)
            WHERE with_franchise
        ) AS m
        -- Hashed, as `<> ALL` of a parameter is not.
        WHERE m.mal_id NOT IN (SELECT h.mal_id FROM unnest(v_hidden) AS h (mal_id))
        GROUP BY m.mal_id
    ) AS e
    INNER JOIN jikan_sync.candidate AS p ON p.mal_id = e.mal_id
    WHERE jikan_sync.admits(filter, p.facts);

    SELECT array_agg(c.known), array_agg(c.weight)
    INTO v_compared, v_weights
    FROM (
        SELECT n AS known, l.weight
        FROM unnest(v_lists) AS n
        INNER JOIN unnest(liked, liked_weights) WITH ORDINALITY AS l (id, weight, place)
            ON l.id = n.anime_id
        ORDER BY l.place
        LIMIT c_compared
    ) AS c;

    v_more := ARRAY(
        SELECT p.anime_id
        FROM (
            SELECT n.anime_id
            FROM jikan_sync.newcomer AS n
            ORDER BY n.anime_id DESC
            LIMIT 10 * c_newcomers
        ) AS n
        -- One by one: the table is empty or full, and never as the planner last saw it.
        CROSS JOIN LATERAL (
            SELECT r.anime_id
            FROM jikan_sync.candidate AS c
            INNER JOIN jikan_sync.recommendable AS r ON r.anime_id = c.anime_id
            WHERE c.anime_id = n.anime_id
                AND jikan_sync.admits(filter, c.facts)
                AND c.mal_id NOT IN (
                    SELECT h.mal_id FROM unnest(v_hidden || v_mal_ids) AS h (mal_id)
                )
            OFFSET 0
        ) AS p
        LIMIT c_newcomers
    );
    -- First what is known, then some of the popular, then more of them, then all.
    FOREACH v_depth IN ARRAY ARRAY[0, 10 + 2 * max_rows, 40 + 10 * max_rows, NULL] LOOP
        CONTINUE WHEN v_depth = 0
            AND coalesce(cardinality(v_ids), 0) + cardinality(v_more) < max_rows
            AND v_compared IS NOT NULL;
        IF v_depth IS DISTINCT FROM 0 THEN
            v_more := jikan_sync.popular_titles(filter, v_hidden || v_mal_ids, v_depth);
            v_found := cardinality(v_more);
        END IF;
        -- What was looked at before is not looked at again.
        IF v_more_ids <> '{}' THEN
            v_more := ARRAY(SELECT unnest(v_more) EXCEPT SELECT unnest(v_more_ids));
        END IF;
        IF v_more <> '{}' THEN
            SELECT
                v_more_ids || coalesce(array_agg(l.anime_id), '{}'),
                v_more_scores || coalesce(
                    array_agg(
                        l.score + popularity_weight * l.popularity - coalesce(d.penalty, 0)
                    ),
                    '{}'
                )
            INTO v_more_ids, v_more_scores
            FROM jikan_sync.look_at(v_compared, v_weights, v_more, with_franchise) AS l
            LEFT JOIN unnest(v_disliked_mal_ids, v_penalties) AS d (mal_id, penalty)
                ON d.mal_id = l.mal_id;
        END IF;

        v_picked := '{}';
        v_ranks := '{}';
        v_picked_walked := '{}';
        v_stems := '{}';
        v_franchises := '{}';
        -- What is ranked is many, what is picked few: the rest is not looked up.
        FOR v_title IN
            SELECT i.anime_id, i.rank, i.is_walked, r.stem, f.franchise_id
            FROM (
                SELECT c.anime_id, c.rank, c.is_walked
                FROM (
                    SELECT u.anime_id, u.rank, u.is_walked
                    FROM unnest(v_ids, v_scores, v_walked) AS u (anime_id, rank, is_walked)
                    UNION ALL
                    SELECT m.anime_id, m.rank, false
                    FROM unnest(v_more_ids, v_more_scores) AS m (anime_id, rank)
                ) AS c
                ORDER BY c.rank DESC, c.anime_id
                OFFSET 0
            ) AS i
            INNER JOIN jikan_sync.recommendable AS r ON r.anime_id = i.anime_id
            LEFT JOIN jikan.franchise AS f ON f.mal_id = r.mal_id
            ORDER BY i.rank DESC, i.anime_id
        LOOP
            -- The best of each franchise, by relations or by name.
            IF with_franchise
                OR (v_title.stem = ANY (v_stems) OR v_title.franchise_id = ANY (v_franchises))
                IS NOT TRUE
            THEN
                v_picked := v_picked || v_title.anime_id;
                v_ranks := v_ranks || v_title.rank::real;
                v_picked_walked := v_picked_walked || v_title.is_walked;
            END IF;
            EXIT WHEN cardinality(v_picked) = max_rows;
            v_stems := v_stems || v_title.stem;
            v_franchises := v_franchises || v_title.franchise_id;
        END LOOP;
        -- Where fewer passed than were asked for, there are no more.
        EXIT WHEN cardinality(v_picked) = max_rows
            OR v_compared IS NULL
            OR v_depth > 0 AND v_found < v_depth;
    END LOOP;

    RETURN QUERY
    WITH compared AS MATERIALIZED (
        SELECT o.embedding
        FROM unnest(v_compared) AS c
        INNER JOIN jikan_sync.recommendable AS o ON o.anime_id = c.anime_id
    )

    SELECT r.*
    FROM (
        SELECT
            array_agg(p.anime_id ORDER BY p.place) AS anime_ids,
            array_agg(s.similarity::real ORDER BY p.place) AS similarities,
            array_agg(p.rank ORDER BY p.place) AS ranks,
            array_agg(w.match ORDER BY p.place) AS matches,
            array_agg(w.why ORDER BY p.place) AS whys
        FROM unnest(v_picked, v_ranks) WITH ORDINALITY AS p (anime_id, rank, place)
        INNER JOIN jikan_sync.recommendable AS e ON e.anime_id = p.anime_id
        INNER JOIN jikan_sync.recommendation_reasons(
            v_picked, v_picked_walked, liked, v_siblings
        ) AS w ON w.anime_id = p.anime_id
        LEFT JOIN LATERAL (
            SELECT max(jikan_sync.vector_product(o.embedding, e.embedding)) AS similarity
            FROM compared AS o
        ) AS s ON true
    ) AS t
    CROSS JOIN LATERAL jikan_sync.recommendation_rows(
        t.anime_ids, t.similarities, t.ranks, t.matches, t.whys
    ) AS r;
END;
$$;

COMMENT ON FUNCTION jikan_sync.pick_recommendations(
    bigint[], real[], bigint[], real[], bigint[], double precision, integer, boolean,
    jikan_sync.face_filter
) IS
'What goes with the `liked` (anime, each with a positive weight) in their mean and not with the
`disliked`, best first: none of both and none in `without`, and unless `with_franchise` none of
their franchises and one of each other. All of `max_rows` where so many pass.';

COMMIT;
