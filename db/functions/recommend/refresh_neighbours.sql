-- Deploy pgjikan:functions/recommend/refresh_neighbours to pg
-- requires: functions/recommend/count_traits
-- requires: functions/recommend/reckon_neighbours

-- Neighbours follow what they were reckoned from, in the background and a bounded number a run:
-- first what changed, then what was reckoned by other weights or another model, then the oldest.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'neighbour_refresh_limit',
    '1500',
    'number',
    '1',
    '1000000',
    'How many titles'' neighbours one run of refresh_neighbours reckons anew, about 15 ms each.'
),
(
    'neighbour_max_age',
    '30 days',
    'interval',
    '1 day',
    '3650 days',
    'When neighbours are reckoned anew though nothing near them seems to have changed: votes two '
    'steps away, members and scores move slowly.'
);

CREATE FUNCTION jikan_sync.write_neighbours(anime_ids bigint[])
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_basis CONSTANT integer := jikan_sync.neighbour_basis();
    v_count integer;
BEGIN
    WITH reckoned AS MATERIALIZED (
        SELECT r.* FROM jikan_sync.reckon_neighbours(anime_ids) AS r
    ),

    written AS (
        INSERT INTO jikan.neighbour AS n (
            anime_id, mal_ids, scores, ways, sibling_mal_ids, sibling_scores, floor, wanted,
            basis, reckoned_at
        )
        SELECT
            r.anime_id, r.mal_ids, r.scores, r.ways, r.sibling_mal_ids, r.sibling_scores, r.floor,
            r.wanted, v_basis, jikan_sync.clock_now()
        FROM reckoned AS r
        ORDER BY r.anime_id
        ON CONFLICT (anime_id) DO UPDATE SET
            mal_ids = excluded.mal_ids,
            scores = excluded.scores,
            ways = excluded.ways,
            sibling_mal_ids = excluded.sibling_mal_ids,
            sibling_scores = excluded.sibling_scores,
            floor = excluded.floor,
            wanted = excluded.wanted,
            basis = excluded.basis,
            reckoned_at = excluded.reckoned_at
        RETURNING n.anime_id
    ),

    placed AS (
        DELETE FROM jikan_sync.newcomer AS c
        USING jikan_sync.recommendable AS r
        WHERE c.anime_id = r.anime_id
            AND r.anime_id = ANY (anime_ids)
        RETURNING c.anime_id
    ),

    -- Read once, and not for each that is told.
    weight AS MATERIALIZED (
        SELECT w.popularity, w.love FROM jikan_sync.neighbour_weight() AS w
    ),

    -- Whose list a newcomer belongs in is reckoned anew as well.
    told AS (
        INSERT INTO jikan_sync.neighbour_wish (mal_id)
        SELECT o.mal_id
        FROM (SELECT DISTINCT p.anime_id FROM placed AS p) AS q
        INNER JOIN reckoned AS r ON r.anime_id = q.anime_id
        INNER JOIN jikan.profile AS p ON p.anime_id = q.anime_id
        CROSS JOIN weight AS w
        CROSS JOIN LATERAL unnest(
            r.mal_ids || r.sibling_mal_ids, r.scores || r.sibling_scores
        ) AS m (mal_id, score)
        INNER JOIN jikan.profile AS o ON o.mal_id = m.mal_id
        INNER JOIN jikan.neighbour AS n ON n.anime_id = o.anime_id
        WHERE r.floor + m.score
            + w.popularity * (p.popularity - o.popularity) + w.love * (p.love - o.love) > n.floor
            AND p.mal_id <> ALL (n.mal_ids)
            AND p.mal_id <> ALL (n.sibling_mal_ids)
    )

    SELECT count(*)::integer INTO v_count FROM written;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.write_neighbours(bigint[]) IS
'Reckons the neighbours of these anime and keeps them; how many anime there were.';

CREATE FUNCTION jikan_sync.refresh_neighbours(max_titles integer DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_batch CONSTANT integer := 50;
    v_left integer := coalesce(
        max_titles, jikan_sync.setting_number('neighbour_refresh_limit')::integer
    );
    v_basis integer;
    v_is_recounting boolean;
    v_old timestamptz := jikan_sync.ago(jikan_sync.setting_interval('neighbour_max_age'));
    v_ids bigint[];
    v_batch bigint[];
    v_count integer := 0;
BEGIN
    -- Else the job count_traits does so, a bounded number a run.
    IF EXISTS (
        SELECT FROM jikan_sync.trait AS t
        WHERE t.kind = 'genre'
            AND t.name = ''
            AND t.anime_count = 0
    ) THEN
        PERFORM jikan_sync.count_traits(NULL);
    END IF;
    v_basis := jikan_sync.neighbour_basis();
    v_is_recounting := jikan_sync.is_recounting();
    DELETE FROM jikan_sync.newcomer AS c
    WHERE NOT EXISTS (SELECT FROM jikan.profile AS p WHERE p.anime_id = c.anime_id);

    -- Whoever asked twice is reckoned once; what another run holds is left to it.
    WITH chosen AS MATERIALIZED (
        SELECT w.mal_id
        FROM jikan_sync.neighbour_wish AS w
        GROUP BY w.mal_id
        ORDER BY min(w.id)
        LIMIT v_left
    ),

    taken AS MATERIALIZED (
        SELECT w.id, w.mal_id
        FROM jikan_sync.neighbour_wish AS w
        INNER JOIN chosen AS c ON c.mal_id = w.mal_id
        FOR UPDATE OF w SKIP LOCKED
    ),

    gone AS (
        DELETE FROM jikan_sync.neighbour_wish AS w
        USING taken AS t
        WHERE w.id = t.id
    )

    SELECT coalesce(array_agg(p.anime_id ORDER BY p.anime_id), '{}') INTO v_ids
    FROM (SELECT DISTINCT t.mal_id FROM taken AS t) AS c
    INNER JOIN jikan.profile AS p ON p.mal_id = c.mal_id;

    v_left := v_left - cardinality(v_ids);
    -- What was reckoned by something else waits until all profiles are written anew. What another
    -- run holds is left to it.
    v_ids := v_ids || ARRAY(
        SELECT h.anime_id
        FROM (
            SELECT o.anime_id
            FROM (
                (
                    SELECT n.anime_id, 1 AS place, n.reckoned_at
                    FROM jikan.neighbour AS n
                    INNER JOIN jikan.profile AS p ON p.anime_id = n.anime_id
                    WHERE n.basis < v_basis
                        AND NOT v_is_recounting
                    LIMIT v_left
                )
                UNION ALL
                (
                    SELECT n.anime_id, 1, n.reckoned_at
                    FROM jikan.neighbour AS n
                    INNER JOIN jikan.profile AS p ON p.anime_id = n.anime_id
                    WHERE n.basis > v_basis
                        AND NOT v_is_recounting
                    LIMIT v_left
                )
                UNION ALL
                (
                    SELECT n.anime_id, 2, n.reckoned_at
                    FROM jikan.neighbour AS n
                    INNER JOIN jikan.profile AS p ON p.anime_id = n.anime_id
                    WHERE n.reckoned_at <= v_old
                    ORDER BY n.reckoned_at
                    LIMIT v_left
                )
            ) AS o
            WHERE o.anime_id <> ALL (v_ids)
            ORDER BY o.place, o.reckoned_at
            LIMIT v_left
        ) AS c
        INNER JOIN jikan.neighbour AS h ON h.anime_id = c.anime_id
        FOR UPDATE OF h SKIP LOCKED
    );

    FOR v_start IN 1 .. cardinality(v_ids) BY c_batch LOOP
        v_batch := v_ids[v_start : v_start + c_batch - 1];
        v_count := v_count + jikan_sync.write_neighbours(v_batch);
    END LOOP;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.refresh_neighbours(integer) IS
'Reckons neighbours anew: of what changed, of what was reckoned by other weights or another model,
of the oldest; at most `max_titles` (NULL: the setting neighbour_refresh_limit). How many it did.';

COMMIT;
