-- Deploy pgjikan:functions/freshness/mark_stale to pg
-- requires: functions/freshness/is_stale

-- Writes down what the timestamps say: `sync_status` follows, it never leads. In batches that skip
-- what a sidecar is storing at that moment, so the job waits for nobody and nobody for it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.mark_stale(batch_size integer DEFAULT 2000)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_batch integer;
    v_count integer := 0;
BEGIN
    LOOP
        WITH batch AS MATERIALIZED (
            SELECT a.id
            FROM jikan.anime AS a
            WHERE
                a.sync_status = 'fresh'
                AND a.mal_id IN (SELECT s.mal_id FROM jikan_sync.stale_core() AS s)
            ORDER BY a.id
            LIMIT mark_stale.batch_size
            FOR NO KEY UPDATE SKIP LOCKED
        )

        UPDATE jikan.anime AS a SET sync_status = 'stale'
        FROM batch
        WHERE a.id = batch.id;
        GET DIAGNOSTICS v_batch = ROW_COUNT;
        v_count := v_count + v_batch;
        EXIT WHEN v_batch < mark_stale.batch_size;
    END LOOP;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.mark_stale(integer) IS
'Sets `sync_status` of fresh titles with a core older than its policy to stale; answers how many.';

COMMIT;
