-- Deploy pgjikan:functions/embeddings/queue_embeddings to pg
-- requires: functions/embeddings/active_model_id
-- requires: functions/queue/enqueue
-- requires: functions/embeddings/embedding_text
-- requires: functions/embeddings/current_vector
-- requires: schema/suspect_text

-- Which texts are to be embedded, and how soon. A stored response may call for
-- `set_config('pgjikan.embed_priority', 'high', true)` when a user waits for it: then the first of
-- its titles are high, to be recommendable in a moment, and all others low, at once or at night.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.embedding_input(anime jikan.anime)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jikan_sync.embedding_text(
        anime.title,
        anime.title_english,
        anime.title_japanese,
        anime.title_synonyms,
        anime.genre_names,
        anime.studio_names,
        anime.synopsis
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.embedding_input(jikan.anime) IS
'The text embedded for an anime; its MD5 is the row''s embedding_hash.';

CREATE FUNCTION jikan_sync.low_embedding_ready_at()
RETURNS timestamptz
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        CASE jikan_sync.setting_text('embedding_low_priority')
            WHEN 'immediate' THEN jikan_sync.clock_now()
            ELSE 'infinity'
        END;
END;

COMMENT ON FUNCTION jikan_sync.low_embedding_ready_at() IS
'When a low embed task may run: now, or never (infinity) until `jikan_sync.release_embeddings`.';

CREATE FUNCTION jikan_sync.queue_embeddings(anime_ids bigint[])
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_used integer := coalesce(nullif(current_setting('pgjikan.embed_high_used', true), ''), '0');
    v_high integer := 0;
    v_mal_ids integer[];
BEGIN
    SELECT array_agg(a.mal_id ORDER BY a.id) INTO v_mal_ids
    FROM jikan.anime AS a
    WHERE a.id = any(anime_ids)
        AND a.removed_at IS NULL;
    IF v_mal_ids IS NULL THEN
        RETURN 0;
    END IF;
    IF current_setting('pgjikan.embed_priority', true) = 'high' THEN
        v_high := least(
            greatest(jikan_sync.setting_number('embedding_high_limit') - v_used, 0),
            cardinality(v_mal_ids)
        );
        PERFORM set_config('pgjikan.embed_high_used', (v_used + v_high)::text, true);
    END IF;
    RETURN jikan_sync.enqueue_many('embed', v_mal_ids[:v_high], 'high')
        + jikan_sync.enqueue_many(
            'embed', v_mal_ids[v_high + 1:], 'low', jikan_sync.low_embedding_ready_at()
        );
END;
$$;

COMMENT ON FUNCTION jikan_sync.queue_embeddings(bigint[]) IS
'Queues embed tasks for anime whose text is new or changed; answers how many are now queued.
With `pgjikan.embed_priority` = high, at most `embedding_high_limit` of the transaction are high.';

CREATE FUNCTION jikan_sync.missing_embeddings(model_id integer)
RETURNS TABLE (id bigint, mal_id integer)
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        a.id,
        a.mal_id
    FROM jikan.anime AS a
    LEFT JOIN LATERAL jikan_sync.current_vector(a.id, a.embedding_hash) AS v
        ON v.model_id = missing_embeddings.model_id
    WHERE
        a.removed_at IS NULL
        AND v.model_id IS NULL;
END;

COMMENT ON FUNCTION jikan_sync.missing_embeddings(integer) IS
'The titles without a current vector of the model.';

CREATE FUNCTION jikan_sync.queue_missing_embeddings()
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_mal_ids integer[];
BEGIN
    SELECT array_agg(DISTINCT a.mal_id) INTO v_mal_ids
    FROM jikan.embedding_model AS m
    CROSS JOIN LATERAL jikan_sync.missing_embeddings(m.id) AS a
    WHERE m.status IN ('active', 'backfilling')
        AND NOT EXISTS (
            SELECT FROM jikan_sync.dead_letter AS d
            WHERE d.task = 'embed'
                AND d.anime_id = a.id
        );
    RETURN jikan_sync.enqueue_many(
        'embed', v_mal_ids, 'low', jikan_sync.low_embedding_ready_at()
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.queue_missing_embeddings() IS
'Queues every title that lacks a current vector of a model in use, dead letters excepted.';

CREATE FUNCTION jikan_sync.release_embeddings()
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count integer;
BEGIN
    DELETE FROM jikan_sync.suspect_text AS s
    WHERE s.suspected_at < jikan_sync.ago('30 days');
    PERFORM jikan_sync.queue_missing_embeddings();
    UPDATE jikan_sync.queue AS q
    SET ready_at = jikan_sync.clock_now()
    WHERE q.task = 'embed'
        AND q.ready_at = 'infinity';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.release_embeddings() IS
'Lets the low embed tasks that waited for the night run; answers how many.';

COMMIT;
