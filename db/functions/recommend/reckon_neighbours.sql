-- Deploy pgjikan:functions/recommend/reckon_neighbours to pg
-- requires: functions/recommend/neighbour_weight
-- requires: functions/recommend/write_profiles
-- requires: schema/recommendation
-- requires: schema/franchise
-- requires: functions/embeddings/current_vector

-- What goes with a title. People lead: those who voted for a pair, for another title of its
-- franchise, and those whom two steps over votes connect. What is alike is added on one scale, so
-- that it fills the list where votes are few and decides alone where there are none, without a
-- cliff between. Measured on what users of another site recommend (docs/explanation).

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.reckon_neighbours(anime_ids bigint[])
RETURNS TABLE (
    anime_id bigint,
    mal_ids integer[],
    scores real[],
    ways "char"[],  -- noqa: RF06
    sibling_mal_ids integer[],
    sibling_scores real[],
    floor real,
    wanted sparsevec
)
LANGUAGE plpgsql
STABLE
ROWS 50
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET work_mem = '64MB'
SET jit = off
AS $$
DECLARE
    v_count CONSTANT integer := jikan_sync.setting_number('neighbour_count');
    v_pool CONSTANT integer := jikan_sync.setting_number('neighbour_pool');
    v_model CONSTANT integer := jikan_sync.active_model_id();
BEGIN
    RETURN QUERY
    WITH subject AS MATERIALIZED (
        SELECT
            p.anime_id,
            p.mal_id,
            p.year,
            p.is_nsfw,
            p.popularity,
            p.rating,
            p.stem,
            p.stem_english,
            jikan_sync.title_words(p.stem) AS words,
            jikan_sync.title_words(p.stem_english) AS words_english,
            e.embedding,
            jikan_sync.trait_vector(
                a.genre_names, a.studio_names, a.type, a.source, a.rating,
                w.genre, w.rare_genre, w.studio, w.type, w.source, w.rating
            ) AS wanted,
            w.vote,
            w.franchise_vote,
            w.walk,
            w.content_walk,
            w.most_walk,
            w.vector AS vector_weight,
            w.era AS era_weight,
            w.popularity_gap,
            w.score_gap,
            w.popularity AS popularity_weight,
            w.love AS love_weight
        FROM jikan.profile AS p
        INNER JOIN jikan.anime AS a ON a.id = p.anime_id
        CROSS JOIN jikan_sync.neighbour_weight() AS w
        LEFT JOIN LATERAL jikan_sync.current_vector(p.anime_id, p.embedding_hash) AS e
            ON e.model_id = v_model
        WHERE p.anime_id = ANY (anime_ids)
    ),

    -- Chosen before anything is joined, in the order of an index.
    popular AS MATERIALIZED (
        (
            SELECT p.anime_id
            FROM jikan.profile AS p
            WHERE NOT p.is_nsfw
            ORDER BY p.members DESC, p.anime_id
            LIMIT v_pool
        )
        UNION ALL
        (
            SELECT p.anime_id
            FROM jikan.profile AS p
            WHERE p.is_nsfw
                AND EXISTS (SELECT FROM subject AS s WHERE s.is_nsfw)
            ORDER BY p.members DESC, p.anime_id
            LIMIT v_pool / 4
        )
    ),

    pool AS MATERIALIZED (
        SELECT
            r.anime_id, r.mal_id, r.year, r.popularity, r.love, r.rating, r.traits, r.embedding,
            r.is_nsfw
        FROM popular AS p
        INNER JOIN jikan_sync.recommendable AS r ON r.anime_id = p.anime_id
    ),

    alike AS MATERIALIZED (
        SELECT
            s.anime_id,
            c.mal_id,
            c.content,
            row_number() OVER (PARTITION BY s.anime_id ORDER BY c.content DESC, c.mal_id) AS place
        FROM subject AS s
        CROSS JOIN LATERAL (
            SELECT
                p.mal_id,
                jikan_sync.content_score(
                    s.wanted, p.traits, s.embedding, p.embedding, s.vector_weight,
                    s.era_weight, s.year - p.year, s.popularity_gap, s.popularity - p.popularity,
                    s.score_gap, s.rating - p.rating, s.popularity_weight, p.popularity,
                    s.love_weight, p.love
                ) AS content
            FROM pool AS p
            WHERE p.anime_id <> s.anime_id
                AND (s.is_nsfw OR NOT p.is_nsfw)
            ORDER BY content DESC, p.mal_id
            LIMIT v_count * 2
        ) AS c
    ),

    family AS MATERIALIZED (
        SELECT s.anime_id, s.mal_id, true AS is_itself
        FROM subject AS s
        UNION ALL
        SELECT m.anime_id, m.mal_id, false
        FROM (
            SELECT s.anime_id, g.mal_id
            FROM subject AS s
            INNER JOIN jikan.franchise AS f ON f.mal_id = s.mal_id
            INNER JOIN jikan.franchise AS g ON g.franchise_id = f.franchise_id
            WHERE g.mal_id <> s.mal_id
            UNION
            SELECT s.anime_id, p.mal_id
            FROM subject AS s
            INNER JOIN jikan.profile AS p ON p.stem IN (s.stem, s.stem_english)
            WHERE p.mal_id <> s.mal_id
        ) AS m
    ),

    -- How much a title's people say of each other title; its franchise's people say less of it.
    voted AS MATERIALIZED (
        SELECT
            f.anime_id,
            v.other_mal_id AS mal_id,
            coalesce(sum(ln(1 + v.votes)) FILTER (WHERE f.is_itself), 0) / ln(2) AS votes,
            coalesce(sum(ln(1 + v.votes)) FILTER (WHERE NOT f.is_itself), 0) / ln(2)
                AS franchise_votes
        FROM family AS f
        INNER JOIN jikan_sync.vote AS v ON v.mal_id = f.mal_id
        GROUP BY f.anime_id, v.other_mal_id
    ),

    -- The first step of a walk: to what was voted for, or to what is alike. Of all that a title
    -- leads to, the second step takes each by its share.
    step AS MATERIALIZED (
        SELECT
            t.anime_id,
            t.mal_id,
            t.people / d.degree AS people,
            t.content / d.degree AS content
        FROM (
            SELECT u.anime_id, u.mal_id, sum(u.people) AS people, sum(u.content) AS content
            FROM (
                SELECT
                    v.anime_id,
                    v.mal_id,
                    (v.votes + v.franchise_votes)
                        / sum(v.votes + v.franchise_votes) OVER (PARTITION BY v.anime_id)
                        AS people,
                    0 AS content,
                    row_number() OVER (
                        PARTITION BY v.anime_id
                        ORDER BY v.votes + v.franchise_votes DESC, v.mal_id
                    ) AS place
                FROM voted AS v
                UNION ALL
                SELECT
                    a.anime_id,
                    a.mal_id,
                    0,
                    a.likeness / sum(a.likeness) OVER (PARTITION BY a.anime_id),
                    a.place
                FROM (
                    SELECT
                        b.anime_id,
                        b.mal_id,
                        b.place,
                        exp(
                            greatest(
                                b.content - max(b.content) OVER (PARTITION BY b.anime_id), -100
                            ) / 2
                        ) AS likeness
                    FROM alike AS b
                    WHERE b.place <= 30
                ) AS a
            ) AS u
            WHERE u.place <= 60
            GROUP BY u.anime_id, u.mal_id
        ) AS t
        CROSS JOIN LATERAL (
            SELECT sum(ln(1 + v.votes)) AS degree
            FROM jikan_sync.vote AS v
            WHERE v.mal_id = t.mal_id
        ) AS d
        WHERE d.degree > 0
    ),

    walked AS MATERIALIZED (
        SELECT
            t.anime_id,
            v.other_mal_id AS mal_id,
            sum(t.people * ln(1 + v.votes)) AS people,
            sum(t.content * ln(1 + v.votes)) AS content
        FROM step AS t
        CROSS JOIN LATERAL (
            SELECT o.other_mal_id, o.votes
            FROM jikan_sync.vote AS o
            WHERE o.mal_id = t.mal_id
            OFFSET 0
        ) AS v
        GROUP BY t.anime_id, v.other_mal_id
    ),

    candidate AS (
        SELECT
            c.anime_id,
            c.mal_id,
            max(c.votes) AS votes,
            max(c.franchise_votes) AS franchise_votes,
            max(c.people) AS people,
            max(c.walked) AS walked,
            max(c.content) AS content,
            bool_or(c.is_family) AS is_family
        FROM (
            SELECT
                a.anime_id, a.mal_id, 0 AS votes, 0 AS franchise_votes, 0 AS people, 0 AS walked,
                a.content, false AS is_family
            FROM alike AS a
            UNION ALL
            SELECT v.anime_id, v.mal_id, v.votes, v.franchise_votes, 0, 0, NULL, false
            FROM voted AS v
            UNION ALL
            SELECT w.anime_id, w.mal_id, 0, 0, w.people, w.content, NULL, false
            FROM walked AS w
            UNION ALL
            SELECT f.anime_id, f.mal_id, 0, 0, 0, 0, NULL, true
            FROM family AS f
            WHERE NOT f.is_itself
        ) AS c
        GROUP BY c.anime_id, c.mal_id
    ),

    -- What votes found and no likeness did is given its likeness now, if votes make it worth that.
    near AS (
        SELECT
            c.*,
            s.vote * c.votes + s.franchise_vote * c.franchise_votes AS from_votes,
            s.walk * c.people AS from_people,
            least(s.walk * c.people + s.content_walk * c.walked, s.most_walk) AS from_walks,
            row_number() OVER (
                PARTITION BY c.anime_id
                ORDER BY
                    s.vote * c.votes + s.franchise_vote * c.franchise_votes
                        + least(s.walk * c.people + s.content_walk * c.walked, s.most_walk) DESC,
                    c.mal_id
            ) AS place
        FROM candidate AS c
        INNER JOIN subject AS s ON s.anime_id = c.anime_id
    ),

    scored AS (
        SELECT
            n.anime_id,
            n.mal_id,
            n.from_votes + n.from_walks
                + coalesce(
                    n.content,
                    jikan_sync.content_score(
                        s.wanted, r.traits, s.embedding, r.embedding, s.vector_weight,
                        s.era_weight, s.year - r.year, s.popularity_gap,
                        s.popularity - r.popularity, s.score_gap, s.rating - r.rating,
                        s.popularity_weight, r.popularity, s.love_weight, r.love
                    )
                ) AS score,
            CASE
                WHEN n.votes > 0 THEN 'v'
                WHEN n.franchise_votes > 0 THEN 'f'
                WHEN n.from_people >= 0.5 THEN 'w'
                ELSE 'a'
            END AS way,
            -- Nobody votes for a sequel: where people did, a word in common is chance.
            r.stem IN (s.stem, s.stem_english)
                OR n.votes = 0 AND length(s.words) >= 8 AND strpos(r.words, s.words) > 0
                OR n.votes = 0 AND length(s.words_english) >= 8
                AND strpos(r.words, s.words_english) > 0
                OR n.is_family AS is_sibling
        FROM near AS n
        INNER JOIN subject AS s ON s.anime_id = n.anime_id
        -- By its key: the planner, who expects one row of `recommendable` in all, would read that
        -- from end to end for each.
        CROSS JOIN LATERAL (
            SELECT o.*
            FROM jikan_sync.recommendable AS o
            WHERE o.mal_id = n.mal_id
            OFFSET 0
        ) AS r
        WHERE r.anime_id <> s.anime_id
            AND (s.is_nsfw OR NOT r.is_nsfw OR n.votes > 0)
            AND (n.content IS NOT NULL OR n.is_family OR n.place <= v_count * 3)
    ),

    ranked AS (
        SELECT
            c.anime_id,
            c.mal_id,
            c.score,
            c.way,
            coalesce(c.is_sibling, false) AS is_sibling,
            row_number() OVER (
                PARTITION BY c.anime_id, coalesce(c.is_sibling, false)
                ORDER BY c.score DESC, c.mal_id
            ) AS place
        FROM scored AS c
    ),

    bottom AS (
        SELECT
            r.anime_id,
            coalesce(
                max(r.score) FILTER (WHERE r.place > v_count AND NOT r.is_sibling),
                min(r.score) FILTER (WHERE NOT r.is_sibling) - 1,
                min(r.score) - 1
            ) AS score
        FROM ranked AS r
        GROUP BY r.anime_id
    )

    SELECT
        s.anime_id,
        coalesce(l.mal_ids, '{}'),
        coalesce(l.scores, '{}'),
        coalesce(l.ways, '{}'),
        coalesce(l.sibling_mal_ids, '{}'),
        coalesce(l.sibling_scores, '{}'),
        coalesce(l.floor, 0),
        s.wanted
    FROM subject AS s
    LEFT JOIN (
        SELECT
            r.anime_id,
            array_agg(r.mal_id ORDER BY r.place) FILTER (WHERE NOT r.is_sibling) AS mal_ids,
            array_agg((r.score - b.score)::real ORDER BY r.place)
                FILTER (WHERE NOT r.is_sibling) AS scores,
            array_agg(r.way::"char" ORDER BY r.place) FILTER (WHERE NOT r.is_sibling) AS ways,
            array_agg(r.mal_id ORDER BY r.place) FILTER (WHERE r.is_sibling) AS sibling_mal_ids,
            array_agg((r.score - b.score)::real ORDER BY r.place)
                FILTER (WHERE r.is_sibling) AS sibling_scores,
            min(b.score)::real AS floor
        FROM ranked AS r
        INNER JOIN bottom AS b ON b.anime_id = r.anime_id
        WHERE r.place <= v_count
        GROUP BY r.anime_id
    ) AS l ON l.anime_id = s.anime_id;
END;
$$;

COMMENT ON FUNCTION jikan_sync.reckon_neighbours(bigint[]) IS
'What goes with each of these anime, best first, as `jikan.neighbour` keeps it; reads and writes
nothing else. No row for an anime that is tombstoned or unknown.';

COMMIT;
