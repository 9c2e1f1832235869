-- Deploy pgjikan:functions/embeddings/embedding_model to pg
-- requires: functions/embeddings/active_model_id
-- requires: functions/embeddings/current_vector
-- requires: functions/embeddings/has_current_vector
-- requires: functions/embeddings/unit_vector

-- The life of an embedding model: added beside the active one, backfilled, switched to in one
-- transaction once it covers the titles, left as a way back, dropped. Its vectors are a partition
-- with its dimensions as a constraint; a partition is attached, not created in place, so that reads
-- go on.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.embedding_coverage(model_id integer)
RETURNS TABLE (
    title_count bigint,
    current_count bigint,
    coverage double precision
)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
BEGIN ATOMIC
    SELECT
        count(*),
        count(v.anime_id),
        coalesce(count(v.anime_id)::double precision / nullif(count(*), 0), 1)
    FROM jikan.anime AS a
    LEFT JOIN LATERAL jikan_sync.current_vector(a.id, a.embedding_hash) AS v
        ON v.model_id = embedding_coverage.model_id
    WHERE a.removed_at IS NULL;
END;

COMMENT ON FUNCTION jikan_sync.embedding_coverage(integer) IS
'How many titles there are, how many have a current vector of the model, and their share.';

CREATE FUNCTION jikan_sync.find_embedding_model(model text)
RETURNS jikan.embedding_model
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_models jikan.embedding_model[];
BEGIN
    SELECT array_agg(m) INTO v_models
    FROM jikan.embedding_model AS m
    WHERE model IN (m.id::text, m.name, m.provider || '/' || m.name,
                    m.provider || '/' || m.name || '/' || m.dimensions);
    IF cardinality(v_models) = 1 THEN
        RETURN v_models[1];
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'invalid_parameter_value',
        MESSAGE = format(
            CASE WHEN v_models IS NULL THEN 'there is no embedding model "%s"'
                ELSE '"%s" is more than one embedding model' END, model
        ),
        HINT = 'One of: ' || (
            SELECT string_agg(format('%s (%s/%s/%s)', m.id, m.provider, m.name, m.dimensions), ', '
                              ORDER BY m.id)
            FROM jikan.embedding_model AS m
        );
END;
$$;

COMMENT ON FUNCTION jikan_sync.find_embedding_model(text) IS
'The model of an id, name, provider/name or provider/name/dimensions.
Raises: 22023 (none, several).';

CREATE FUNCTION jikan_sync.add_embedding_model(
    provider text,
    name text,
    dimensions integer,
    price numeric DEFAULT 0
)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id integer;
    v_partition text;
BEGIN
    IF NOT EXISTS (
        SELECT FROM jikan_sync.embedding_provider AS p WHERE p.name = add_embedding_model.provider
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no embedding provider "%s"', provider),
            HINT = 'One of: ' || (
                SELECT string_agg(p.name, ', ' ORDER BY p.name)
                FROM jikan_sync.embedding_provider AS p
            );
    END IF;
    IF coalesce(name, '') = '' OR dimensions IS NULL OR dimensions NOT BETWEEN 1 AND 4000
        OR coalesce(price, -1) < 0
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'an embedding model needs a name, 1 to 4000 dimensions and a price from 0',
            HINT = 'Example: google, gemini-embedding-001, 768.';
    END IF;
    INSERT INTO jikan.embedding_model AS m (provider, name, dimensions, price, status)
    VALUES (
        add_embedding_model.provider,
        add_embedding_model.name,
        add_embedding_model.dimensions,
        add_embedding_model.price,
        CASE WHEN jikan_sync.active_model_id() IS NULL THEN 'active' ELSE 'backfilling' END
    )
    ON CONFLICT ON CONSTRAINT embedding_model_provider_name_dimensions_key DO NOTHING
    RETURNING m.id INTO v_id;
    IF v_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('model %s/%s/%s is there already', provider, name, dimensions),
            HINT = 'SELECT id, status FROM jikan.embedding_model;';
    END IF;
    v_partition := 'embedding_' || v_id;
    EXECUTE format('CREATE TABLE jikan.%I (LIKE jikan.embedding INCLUDING ALL)', v_partition);
    EXECUTE format(
        'ALTER TABLE jikan.%I ADD CONSTRAINT %I CHECK (model_id = %s), '
        'ADD CONSTRAINT %I CHECK (jikan_sync.is_unit_vector(embedding, %s))',
        v_partition, v_partition || '_model_id_check', v_id,
        v_partition || '_embedding_check', dimensions
    );
    EXECUTE format(
        'ALTER TABLE jikan.embedding ATTACH PARTITION jikan.%I FOR VALUES IN (%s)',
        v_partition, v_id
    );
    EXECUTE format(
        'COMMENT ON TABLE jikan.%I IS %L', v_partition,
        format('Vectors of %s/%s, %s dimensions.', provider, name, dimensions)
    );
    RETURN v_id;
END;
$$;

COMMENT ON FUNCTION jikan_sync.add_embedding_model(text, text, integer, numeric) IS
'Adds a model (backfilling; active if there is none yet) and the table of its vectors; answers its
id. Nothing is embedded before `jikan_sync.backfill_embeddings`, but new and changed titles are.
Raises: 22023.';

CREATE FUNCTION jikan_sync.switch_embedding_model(model_id integer, is_forced boolean DEFAULT FALSE)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_gate numeric := jikan_sync.setting_number('embedding_switch_coverage');
    v_coverage record;
    v_status text;
BEGIN
    SELECT m.status INTO v_status
    FROM jikan.embedding_model AS m
    WHERE m.id = switch_embedding_model.model_id
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no embedding model %s', model_id),
            HINT = 'SELECT id, provider, name, status FROM jikan.embedding_model;';
    END IF;
    IF v_status = 'active' THEN
        RETURN;
    END IF;
    SELECT c.* INTO v_coverage FROM jikan_sync.embedding_coverage(model_id) AS c;
    IF v_coverage.coverage < v_gate AND NOT is_forced THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format(
                'model %s has a current vector for %s of %s titles; a switch needs a share of %s',
                model_id, v_coverage.current_count, v_coverage.title_count, v_gate
            ),
            HINT = format('Backfill it first: pgjikan embeddings backfill %s', model_id);
    END IF;
    UPDATE jikan.embedding_model AS m
    SET
        status = 'retired',
        switched_at = jikan_sync.clock_now()
    WHERE m.status = 'active';
    UPDATE jikan.embedding_model AS m
    SET
        status = 'active',
        switched_at = jikan_sync.clock_now()
    WHERE m.id = switch_embedding_model.model_id;
    -- What the new model lacks waits for its vector; what only the old one lacked does not.
    -- By id, as a store locks them.
    WITH changed AS MATERIALIZED (
        SELECT a.id, a.sync_status = 'fresh' AS is_lacking
        FROM jikan.anime AS a
        WHERE a.sync_status IN ('fresh', 'pending_embeddings')
            AND a.removed_at IS NULL
            AND (a.sync_status = 'fresh')
            IS DISTINCT FROM jikan_sync.has_current_vector(a.id, a.embedding_hash)
        ORDER BY a.id
        FOR NO KEY UPDATE
    )

    UPDATE jikan.anime AS a
    SET sync_status = CASE WHEN c.is_lacking THEN 'pending_embeddings' ELSE 'fresh' END
    FROM changed AS c
    WHERE a.id = c.id;
    PERFORM jikan_sync.queue_missing_embeddings();
END;
$$;

COMMENT ON FUNCTION jikan_sync.switch_embedding_model(integer, boolean) IS
'Makes a model the one that is read, from COMMIT on; the one before is retired and keeps its
vectors.
Raises: 22023 (no such model), 55000 (its coverage is under the gate, and not `is_forced`).';

CREATE FUNCTION jikan_sync.try_drop_model(model_id integer)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '50ms'
AS $$
BEGIN
    EXECUTE format('DROP TABLE jikan.%I', 'embedding_' || model_id);
    DELETE FROM jikan.embedding_model AS m WHERE m.id = try_drop_model.model_id;
    RETURN true;
EXCEPTION
    -- Whoever has read vectors in a transaction that is still open holds the table; new readers
    -- would queue behind a drop that waits.
    WHEN lock_not_available OR deadlock_detected THEN
        RETURN false;
END;
$$;

COMMENT ON FUNCTION jikan_sync.try_drop_model(integer) IS
'Drops the vectors of a model and the model, unless a reader is in the way: false, and nobody
waited.';

CREATE FUNCTION jikan_sync.drop_embedding_model(model_id integer)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF model_id = jikan_sync.active_model_id() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('model %s is active', model_id),
            HINT = 'Switch to another model first: pgjikan embeddings switch MODEL';
    END IF;
    IF NOT EXISTS (
        SELECT FROM jikan.embedding_model AS m WHERE m.id = drop_embedding_model.model_id
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no embedding model %s', model_id),
            HINT = 'SELECT id, provider, name, status FROM jikan.embedding_model;';
    END IF;
    IF jikan_sync.try_drop_model(model_id) THEN
        RETURN true;
    END IF;
    UPDATE jikan.embedding_model AS m SET
        status = 'retired',
        dropped_at = jikan_sync.clock_now()
    WHERE m.id = drop_embedding_model.model_id;
    RETURN false;
END;
$$;

COMMENT ON FUNCTION jikan_sync.drop_embedding_model(integer) IS
'Drops a model that is not active, with its vectors: true. Where a reader''s open transaction holds
them it is retired at once and dropped by the job sweep_leases as soon as nobody does: false.
Raises: 22023 (none), 55000 (it is active).';

CREATE FUNCTION jikan_sync.drop_awaited_models()
RETURNS integer
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT count(*) FILTER (WHERE jikan_sync.try_drop_model(m.id))::integer
    FROM jikan.embedding_model AS m
    WHERE m.dropped_at IS NOT NULL AND m.status = 'retired';
END;

COMMENT ON FUNCTION jikan_sync.drop_awaited_models() IS
'Drops the models whose drop a reader stood in the way of; answers how many are gone now.';

-- The first model is 1 and its table embedding_1, also where a deploy died here before: a number
-- that was taken does not come back by a rollback.
DO $$
BEGIN
    PERFORM setval('jikan.embedding_model_id_seq', 1, false);
    PERFORM jikan_sync.add_embedding_model(
        'local', 'universal-sentence-encoder-multilingual-3', 512
    );
END;
$$;

COMMIT;
