-- Deploy pgjikan:functions/vector_index to pg
-- requires: functions/nearest
-- requires: functions/embedding_model

-- An index where it pays: under some tens of thousands of titles an exact scan is fast and always
-- right, above it an HNSW index is built, and dropped where the table has shrunk. An approximate
-- index can lose neighbours unseen, so its recall against the exact answer is measured and kept.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, description)
VALUES (
    'vector_index_rows',
    '100000',
    'number',
    'From how many vectors on a model in use gets an HNSW index; below, every search is exact.'
);

CREATE TABLE jikan_sync.recall_check (
    checked_at timestamptz NOT NULL,
    model_id integer NOT NULL REFERENCES jikan.embedding_model (id) ON DELETE CASCADE,
    is_indexed boolean NOT NULL,
    sample_size integer NOT NULL,
    recall double precision NOT NULL CHECK (recall BETWEEN 0 AND 1),
    PRIMARY KEY (model_id, checked_at)
);

COMMENT ON TABLE jikan_sync.recall_check IS
'How much of the exact answer the vector index finds, as `jikan_sync.check_recall` measured.';
COMMENT ON COLUMN jikan_sync.recall_check.checked_at IS 'When.';
COMMENT ON COLUMN jikan_sync.recall_check.model_id IS 'Of which model.';
COMMENT ON COLUMN jikan_sync.recall_check.is_indexed IS
'Whether it had an index; without, it is 1.';
COMMENT ON COLUMN jikan_sync.recall_check.sample_size IS 'How many titles were searched from.';
COMMENT ON COLUMN jikan_sync.recall_check.recall IS 'Share of the exact 10 nearest that it found.';

CREATE FUNCTION jikan_sync.maintain_vector_index()
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_threshold numeric := jikan_sync.setting_number('vector_index_rows');
    v_vector name := jikan_sync.vector_schema();
    v_model record;
    v_count bigint;
    v_index text;
    v_done text[] := '{}';
BEGIN
    FOR v_model IN
        SELECT m.id, m.dimensions
        FROM jikan.embedding_model AS m
        WHERE m.status IN ('active', 'backfilling')
        ORDER BY m.id
    LOOP
        v_index := format('embedding_%s_hnsw_idx', v_model.id);
        SELECT count(*) INTO v_count FROM jikan.embedding AS e WHERE e.model_id = v_model.id;
        IF v_count >= v_threshold AND to_regclass('jikan.' || v_index) IS NULL THEN
            PERFORM set_config('maintenance_work_mem', '1GB', true);
            EXECUTE format(
                'CREATE INDEX %I ON jikan.%I '
                'USING hnsw ((embedding::%I.halfvec(%s)) %I.halfvec_ip_ops) '
                'WITH (m = 24, ef_construction = 128)',
                v_index, 'embedding_' || v_model.id, v_vector, v_model.dimensions, v_vector
            );
            v_done := v_done || ('built ' || v_index);
        ELSIF v_count < v_threshold / 2 AND to_regclass('jikan.' || v_index) IS NOT NULL THEN
            EXECUTE format('DROP INDEX jikan.%I', v_index);
            v_done := v_done || ('dropped ' || v_index);
        END IF;
    END LOOP;
    RETURN coalesce(nullif(array_to_string(v_done, ', '), ''), 'nothing to do');
END;
$$;

COMMENT ON FUNCTION jikan_sync.maintain_vector_index() IS
'Builds the HNSW index of a model in use from `vector_index_rows` vectors on, and drops it under
half of that. Building takes a minute for some 100,000 vectors; recommendations go on, new
vectors wait.';

CREATE FUNCTION jikan_sync.check_recall(sample_size integer DEFAULT 50)
RETURNS double precision
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_neighbours CONSTANT integer := 10;
    v_model jikan.embedding_model;
    v_vector name := jikan_sync.vector_schema();
    v_scan text := current_setting('hnsw.iterative_scan', true);
    v_recall double precision;
BEGIN
    SELECT m.* INTO v_model FROM jikan.embedding_model AS m WHERE m.status = 'active';
    IF NOT FOUND OR sample_size IS NULL OR sample_size NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'sample_size must be from 1 to 10000, and a model active',
            HINT = 'SELECT jikan_sync.check_recall(50);';
    END IF;
    PERFORM set_config('hnsw.iterative_scan', 'relaxed_order', true);
    EXECUTE format(
        $sql$
            SELECT avg(found.count) / least(%4$s, nullif(max(exact.count), 0))
            FROM (
                SELECT e.embedding FROM jikan.%1$I AS e ORDER BY random() LIMIT $1
            ) AS probe
            CROSS JOIN LATERAL (
                SELECT array_agg(x.anime_id) AS ids, count(*) AS count
                FROM (
                    SELECT e.anime_id
                    FROM jikan.%1$I AS e
                    ORDER BY (e.embedding OPERATOR(%2$I.<#>) probe.embedding) + 0
                    LIMIT %4$s
                ) AS x
            ) AS exact
            CROSS JOIN LATERAL (
                SELECT count(*) AS count
                FROM (
                    SELECT e.anime_id
                    FROM jikan.%1$I AS e
                    ORDER BY e.embedding::%2$I.halfvec(%3$s)
                        OPERATOR(%2$I.<#>) probe.embedding::%2$I.halfvec(%3$s)
                    LIMIT 1000
                ) AS x
                WHERE x.anime_id = ANY (exact.ids)
            ) AS found
        $sql$,
        'embedding_' || v_model.id, v_vector, v_model.dimensions, c_neighbours
    )
    INTO v_recall
    USING sample_size;
    PERFORM set_config('hnsw.iterative_scan', coalesce(nullif(v_scan, ''), 'off'), true);
    INSERT INTO jikan_sync.recall_check (checked_at, model_id, is_indexed, sample_size, recall)
    VALUES (
        jikan_sync.clock_now(),
        v_model.id,
        to_regclass(format('jikan.embedding_%s_hnsw_idx', v_model.id)) IS NOT NULL,
        sample_size,
        coalesce(v_recall, 1)
    )
    ON CONFLICT ON CONSTRAINT recall_check_pkey DO UPDATE
        SET
            is_indexed = excluded.is_indexed,
            sample_size = excluded.sample_size,
            recall = excluded.recall;
    RETURN coalesce(v_recall, 1);
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_recall(integer) IS
'Measures on a random sample which share of the exact 10 nearest the active model''s searches find,
keeps it in `jikan_sync.recall_check` and answers it. Raises: 22023 (sample_size out of range).';

COMMIT;
