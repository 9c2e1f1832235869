-- Deploy pgjikan:functions/freshness/count_hit to pg
-- requires: schema/hit
-- requires: schema/clock

-- Counting reads without a write per read: most roll a die and write nothing, and those that write
-- append, so that two readers of the same title never wait for each other.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.count_hit(anime_id bigint)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_sample double precision := jikan_sync.setting_number('hit_sample');
BEGIN
    IF anime_id IS NOT NULL
        AND random() < v_sample
        AND NOT current_setting('transaction_read_only')::boolean
    THEN
        INSERT INTO jikan_sync.hit (anime_id, weight)
        VALUES (count_hit.anime_id, 1 / least(v_sample, 1));
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.count_hit(bigint) IS
'Notes that somebody looked at this anime; only the share `hit_sample` of the calls writes. A search
counts for its first row, get, reviews and similar for their title.';

CREATE FUNCTION jikan_sync.demand_now(score double precision, updated_at timestamptz)
RETURNS double precision
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        demand_now.score
        * power(
            0.5::double precision,
            extract(EPOCH FROM jikan_sync.clock_now() - demand_now.updated_at)::double precision
            / extract(EPOCH FROM interval '14 days')::double precision
        );
END;

COMMENT ON FUNCTION jikan_sync.demand_now(double precision, timestamptz) IS
'What a score of `jikan_sync.demand` is worth now: half after two weeks.';

CREATE FUNCTION jikan_sync.fold_hits()
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count integer;
BEGIN
    WITH taken AS (
        DELETE FROM jikan_sync.hit AS h
        RETURNING h.anime_id, h.weight
    )

    INSERT INTO jikan_sync.demand AS d (anime_id, score, updated_at)
    SELECT t.anime_id, sum(t.weight), jikan_sync.clock_now()
    FROM taken AS t
    INNER JOIN jikan.anime AS a ON a.id = t.anime_id
    GROUP BY t.anime_id
    ON CONFLICT ON CONSTRAINT demand_pkey DO UPDATE SET
        score = jikan_sync.demand_now(d.score, d.updated_at) + excluded.score,
        updated_at = excluded.updated_at;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.fold_hits() IS
'Folds the sampled reads into `jikan_sync.demand`; answers how many anime they were of.';

COMMIT;
