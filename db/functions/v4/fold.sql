-- Deploy pgjikan:functions/v4/fold to pg
-- requires: functions/v4/write_rows
-- requires: schema/v4_row

-- Folds what changed into the bitmaps, behind everybody's back: one at a time, and who finds
-- another folding leaves it to that one.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.v4_digits(kind text, value integer)
RETURNS integer[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        array(
            SELECT jikan_sync.v4_tag(v4_digits.kind, d.place)
            FROM generate_series(0, 15) AS d (place)
            WHERE (v4_digits.value >> d.place) & 1 = 1
        );
END;

COMMENT ON FUNCTION jikan_sync.v4_digits(text, integer) IS
'The tags of the binary digits of `value` (0 to 65,535) that are 1; none where NULL.';

CREATE FUNCTION jikan_sync.v4_day(day date)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN v4_day.day IS NOT NULL
                THEN least(greatest(v4_day.day - date '1899-12-31', 1), 65535)
        END;
END;

COMMENT ON FUNCTION jikan_sync.v4_day(date) IS
'A day as a number for `jikan_sync.v4_digits`: days since 1899, at least 1; NULL
where NULL.';

CREATE FUNCTION jikan_sync.v4_fold()
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    c_size CONSTANT integer := 16384;
    v_slots integer[];
    v_chunk integer;
    v_mask bit varying;
BEGIN
    PERFORM FROM jikan_sync.v4_fold_state AS s FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM jikan_sync.v4_change AS c RETURNING c.slot
    )
    SELECT array_agg(DISTINCT t.slot) INTO v_slots FROM taken AS t;
    IF v_slots IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE jikan_sync.v4_fold_state AS s SET fold_count = s.fold_count + 1;

    FOR v_chunk IN
        SELECT DISTINCT s.slot / c_size FROM unnest(v_slots) AS s (slot) ORDER BY 1
    LOOP
        SELECT jikan_sync.v4_bits(s.slot % c_size, 1)
        INTO v_mask
        FROM unnest(v_slots) AS s (slot)
        WHERE s.slot / c_size = v_chunk;

        MERGE INTO jikan_sync.v4_bitmap AS b
        USING (
            SELECT
                t.tag,
                jikan_sync.v4_bits(r.slot % c_size, 1)::bit varying AS bits
            FROM jikan.v4_row AS r
            CROSS JOIN LATERAL unnest(
                r.tags
                || jikan_sync.v4_digits('score', r.score)
                || jikan_sync.v4_digits('aired_from', jikan_sync.v4_day(r.aired_from))
                || jikan_sync.v4_digits('aired_to', jikan_sync.v4_day(r.aired_to))
            ) AS t (tag)
            WHERE r.slot = ANY (v_slots) AND r.slot / c_size = v_chunk
            GROUP BY t.tag
        ) AS n
            ON b.tag = n.tag AND b.chunk = v_chunk
        WHEN MATCHED AND b.bits & v_mask <> n.bits THEN
            UPDATE SET bits = (b.bits & ~v_mask) | n.bits
        WHEN NOT MATCHED BY TARGET THEN
            INSERT (tag, chunk, bits) VALUES (n.tag, v_chunk, n.bits)
        WHEN NOT MATCHED BY SOURCE
            AND b.chunk = v_chunk
            AND bit_count(b.bits & v_mask) > 0 THEN
            UPDATE SET bits = b.bits & ~v_mask;
    END LOOP;

    MERGE INTO jikan_sync.v4_genre AS g
    USING (
        SELECT DISTINCT ON (e.mal_id)
            e.mal_id,
            l.kind,
            e.name,
            e.url
        FROM jikan.v4_row AS r
        INNER JOIN jikan.anime AS a ON a.id = r.anime_id
        CROSS JOIN LATERAL (
            VALUES
            ('genres', a.genres),
            ('explicit_genres', a.explicit_genres),
            ('themes', a.themes),
            ('demographics', a.demographics)
        ) AS l (kind, list)
        CROSS JOIN LATERAL jsonb_to_recordset(l.list) AS e (mal_id integer, name text, url text)
        WHERE r.slot = ANY (v_slots)
            AND e.mal_id > 0
            AND e.name IS NOT NULL
        ORDER BY e.mal_id, a.mal_id DESC
    ) AS n
        ON g.mal_id = n.mal_id
    WHEN MATCHED AND (g.kind, g.name, g.url) IS DISTINCT FROM (n.kind, n.name, n.url) THEN
        UPDATE SET kind = n.kind, name = n.name, url = n.url
    WHEN NOT MATCHED THEN
        INSERT (mal_id, kind, name, url) VALUES (n.mal_id, n.kind, n.name, n.url);
    RETURN cardinality(v_slots);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_fold() IS
'Brings the bitmaps up to what was committed and answers how many rows had changed; 0 too while
another session does it. What is not folded is counted row by row, so totals are exact without it,
only slower.';

COMMIT;
