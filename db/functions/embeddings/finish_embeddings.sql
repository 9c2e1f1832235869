-- Deploy pgjikan:functions/embeddings/finish_embeddings to pg
-- requires: functions/embeddings/current_vector
-- requires: functions/embeddings/has_current_vector
-- requires: functions/queue/complete
-- requires: functions/queue/release
-- requires: schema/query_vector

-- When an embed task is done: all models in use have a current vector of its anime. Until then it
-- goes back to the queue, so that during a backfill one task serves both models, one after the
-- other.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.lacking_models(anime_id bigint)
RETURNS TABLE (model_id integer, is_active boolean)
LANGUAGE sql
STABLE
ROWS 1
BEGIN ATOMIC
    SELECT
        m.id,
        m.status = 'active'
    FROM jikan.embedding_model AS m
    INNER JOIN jikan.anime AS a ON a.id = lacking_models.anime_id
    LEFT JOIN LATERAL jikan_sync.current_vector(a.id, a.embedding_hash) AS v ON m.id = v.model_id
    WHERE
        m.status IN ('active', 'backfilling')
        AND (m.gone_until IS NULL OR m.gone_until <= (SELECT jikan_sync.clock_now()))
        AND a.removed_at IS NULL
        AND v.model_id IS NULL;
END;

COMMENT ON FUNCTION jikan_sync.lacking_models(bigint) IS
'The models in use that have no current vector of an anime, but those that their provider has no
more; none for an anime that is gone.';

CREATE FUNCTION jikan_sync.lacks_query_vector(query_key text)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT exists(
        SELECT FROM jikan.embedding_model AS m
        WHERE
            m.status = 'active'
            AND (m.gone_until IS NULL OR m.gone_until <= (SELECT jikan_sync.clock_now()))
            AND NOT EXISTS (
                SELECT 1
                FROM jikan_sync.query_vector AS v
                WHERE
                    v.model_id = m.id
                    AND v.query_key = lacks_query_vector.query_key
            )
    );
END;

COMMENT ON FUNCTION jikan_sync.lacks_query_vector(text) IS
'Whether the active model has no vector of a query yet, and can still make one.';

CREATE FUNCTION jikan_sync.mark_embedded(anime_ids bigint[])
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    UPDATE jikan.anime AS a
    SET sync_status = 'fresh'
    WHERE
        a.id = any(mark_embedded.anime_ids)
        AND a.sync_status = 'pending_embeddings'
        AND jikan_sync.has_current_vector(a.id, a.embedding_hash);
END;

COMMENT ON FUNCTION jikan_sync.mark_embedded(bigint[]) IS
'Makes pending anime fresh where the active model now has their vector; a stale one stays stale.';

CREATE FUNCTION jikan_sync.finish_embeddings(task_ids bigint[], lease_tokens uuid[])
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_done_ids bigint[];
    v_done_tokens uuid[];
    v_anime_ids bigint[];
    v_again_ids bigint[];
    v_again_tokens uuid[];
BEGIN
    -- Anime before tasks. Who claims holds the tasks already, so it waits for no anime: what a
    -- store holds at this moment goes back, and is finished by the next claim.
    WITH held AS MATERIALIZED (
        SELECT a.id
        FROM jikan.anime AS a
        WHERE a.id IN (
            SELECT q.anime_id
            FROM unnest(task_ids) AS g (id)
            INNER JOIN jikan_sync.queue AS q ON q.id = g.id
        )
        ORDER BY a.id
        FOR NO KEY UPDATE SKIP LOCKED
    )

    SELECT
        array_agg(t.task_id) FILTER (WHERE NOT t.is_lacking),
        array_agg(t.lease_token) FILTER (WHERE NOT t.is_lacking),
        array_agg(t.anime_id) FILTER (WHERE NOT t.is_lacking),
        array_agg(t.task_id) FILTER (WHERE t.is_lacking),
        array_agg(t.lease_token) FILTER (WHERE t.is_lacking)
    INTO v_done_ids, v_done_tokens, v_anime_ids, v_again_ids, v_again_tokens
    FROM (
        SELECT
            g.task_id,
            g.lease_token,
            q.anime_id,
            CASE q.task
                WHEN 'embed' THEN q.anime_id NOT IN (SELECT h.id FROM held AS h)
                    OR EXISTS (SELECT 1 FROM jikan_sync.lacking_models(q.anime_id))
                ELSE jikan_sync.lacks_query_vector(q.payload ->> 'query_key')
            END AS is_lacking
        FROM unnest(task_ids, lease_tokens) AS g (task_id, lease_token)
        INNER JOIN jikan_sync.queue AS q ON q.id = g.task_id
    ) AS t;
    PERFORM jikan_sync.mark_embedded(v_anime_ids);
    PERFORM jikan_sync.release(g.task_id, g.lease_token)
    FROM unnest(v_again_ids, v_again_tokens) AS g (task_id, lease_token);
    RETURN coalesce(jikan_sync.complete_many(v_done_ids, v_done_tokens), 0);
END;
$$;

COMMENT ON FUNCTION jikan_sync.finish_embeddings(bigint[], uuid[]) IS
'Completes the tasks for which nothing is left to embed and releases the others; answers how many
were completed. Tasks whose lease is lost are left alone.';

COMMIT;
