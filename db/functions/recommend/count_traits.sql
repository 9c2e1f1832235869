-- Deploy pgjikan:functions/recommend/count_traits to pg
-- requires: functions/recommend/write_profiles
-- requires: functions/recommend/neighbour_weight

-- How rare genres and studios are, and what profiles make of it: counted at once, written a bounded
-- number a run, since who stores a title waits while its profile is written.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.count_traits(max_profiles integer DEFAULT 5000)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count integer := (SELECT count(*) FROM jikan.profile);
    v_counted integer;
    v_is_new boolean := false;
    v_has_written boolean;
BEGIN
    -- One counts at a time; another goes on with what was counted before.
    SELECT t.anime_count INTO v_counted
    FROM jikan_sync.trait AS t
    WHERE t.kind = 'genre'
        AND t.name = ''
    FOR UPDATE SKIP LOCKED;
    IF v_counted IS NULL OR v_count = 0 THEN
        RETURN false;
    END IF;
    IF v_count NOT BETWEEN v_counted / 1.1 AND v_counted * 1.1 THEN
        v_counted := v_count;
        v_is_new := true;
        MERGE INTO jikan_sync.trait AS t
        USING (
            SELECT
                'genre' AS kind,
                g.name,
                count(*) AS anime_count,
                ln(v_count::double precision / count(*)) AS rarity
            FROM jikan.profile AS p
            CROSS JOIN LATERAL unnest(p.genre_names) AS g (name)
            WHERE g.name <> ''
            GROUP BY g.name
            UNION ALL
            SELECT 'studio', s.name, count(*), 1 / sqrt(count(*))
            FROM jikan.profile AS p
            INNER JOIN jikan.anime AS a ON a.id = p.anime_id
            CROSS JOIN LATERAL unnest(a.studio_names) AS s (name)
            GROUP BY s.name
            UNION ALL
            SELECT 'genre', '', v_count, 0
        ) AS n
            ON t.kind = n.kind AND t.name = n.name
        WHEN NOT MATCHED THEN
            INSERT (kind, name, anime_count, rarity)
            VALUES (n.kind, n.name, n.anime_count, n.rarity)
        WHEN MATCHED THEN
            UPDATE SET anime_count = n.anime_count, rarity = n.rarity
        WHEN NOT MATCHED BY SOURCE THEN
            DELETE;
    END IF;
    -- What a store holds is left to the next run: two that lock many profiles must not meet.
    WITH outdated AS MATERIALIZED (
        SELECT p.anime_id
        FROM jikan.profile AS p
        WHERE p.counted <> v_counted
        LIMIT max_profiles
        FOR UPDATE SKIP LOCKED
    )
    UPDATE jikan.profile AS p
    SET
        counted = v_counted,
        traits = jikan_sync.trait_vector(
            a.genre_names, a.studio_names, a.type, a.source, a.rating
        )
    FROM outdated AS o
    INNER JOIN jikan.anime AS a ON a.id = o.anime_id
    WHERE p.anime_id = o.anime_id;
    v_has_written := FOUND;
    -- Looked for only where there may be some: it takes the reading of every profile.
    IF v_is_new OR v_has_written OR jikan_sync.is_recounting() THEN
        UPDATE jikan_sync.recount AS r
        SET is_running = n.is_running
        FROM (
            SELECT EXISTS (
                SELECT FROM jikan.profile AS p WHERE p.counted <> v_counted
            ) AS is_running
        ) AS n
        WHERE r.is_running <> n.is_running;
    END IF;
    RETURN v_has_written;
END;
$$;

COMMENT ON FUNCTION jikan_sync.count_traits(integer) IS
'Counts how rare genres and studios are where there are a tenth more or fewer anime than when they
were last counted, and writes the traits of up to `max_profiles` profiles (NULL: of all) that were
made by an earlier count; false where there was nothing to do.';

COMMIT;
