-- Deploy pgjikan:functions/queue/fold_wishes to pg
-- requires: functions/queue/wish
-- requires: functions/queue/login_limit
-- requires: functions/queue/put_tasks
-- requires: functions/queue/enqueue
-- requires: functions/search/search_verdict
-- requires: functions/freshness/ledger
-- requires: functions/embeddings/has_current_vector
-- requires: functions/upstream/reserve_request
-- requires: schema/query_vector
-- requires: schema/rejected_document

-- What readers wished for becomes tasks: each thing once, within the limits of each login and as
-- far as the ledger allows. One folds at a time, and it waits for nobody: what it cannot have at
-- once stays for the next.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES (
    'dead_letter_pause', '7 days', 'interval', '0', '366 days',
    'For so long after a text, of a title or a query, became a dead letter, reads do not have it '
    'embedded again.'
);

CREATE FUNCTION jikan_sync.is_wanted(dedupe_key text, priority text)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        NOT EXISTS (
            SELECT
            FROM jikan_sync.queue AS q
            WHERE
                q.dedupe_key = is_wanted.dedupe_key
                AND (
                    q.priority = 'high'
                    OR is_wanted.priority = 'low'
                    OR q.lease_token IS NOT null
                )
        );
END;

COMMENT ON FUNCTION jikan_sync.is_wanted(text, text) IS
'Whether a wish for a task adds anything: it is not on its way with that priority.';

CREATE FUNCTION jikan_sync.is_given_up(dedupe_key text)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        EXISTS (  -- noqa: LT06, LT01, CP03
            SELECT
            FROM jikan_sync.dead_letter AS d
            WHERE
                d.dedupe_key = is_given_up.dedupe_key
                AND d.died_at
                > (SELECT jikan_sync.ago(jikan_sync.setting_interval('dead_letter_pause')))
        );
END;

COMMENT ON FUNCTION jikan_sync.is_given_up(text) IS
'Whether a text became a dead letter less than `dead_letter_pause` ago: no read has it embedded.';

CREATE FUNCTION jikan_sync.fold_facets(wishes jikan_sync.wish[])
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wish record;
    v_priority text;
    v_refused text[] := '{}';
BEGIN
    FOR v_wish IN
        SELECT
            w.facet,
            w.mal_id,
            a.id AS anime_id,
            jikan_sync.task_key(
                CASE w.facet WHEN 'core' THEN 'anime' ELSE 'facet' END, w.mal_id, NULL,
                jsonb_build_object('facet', w.facet)
            ) AS key,
            CASE WHEN bool_or(w.priority = 'high') THEN 'high' ELSE 'low' END AS priority,
            (array_agg(w.login ORDER BY w.id))[1] AS login,
            coalesce(
                array_agg(DISTINCT w.login) FILTER (WHERE w.priority = 'high'), '{}'
            ) AS waiting,
            min(w.id) AS first_id
        FROM unnest(wishes) AS w
        LEFT JOIN jikan.anime AS a ON a.mal_id = w.mal_id
        WHERE w.kind = 'facet'
        GROUP BY w.facet, w.mal_id, a.id
        ORDER BY first_id
    LOOP
        CONTINUE WHEN NOT jikan_sync.may_ask(v_wish.facet, v_wish.mal_id);
        CONTINUE WHEN NOT jikan_sync.is_wanted(v_wish.key, v_wish.priority);
        IF v_wish.anime_id IS NOT NULL THEN
            v_priority := jikan_sync.facet_priority(v_wish.waiting, v_wish.facet);
            CONTINUE WHEN v_priority IS NULL
                OR NOT jikan_sync.is_wanted(v_wish.key, v_priority);
        ELSE
            -- Of what is not mirrored only the title itself can be asked for.
            CONTINUE WHEN v_wish.facet <> 'core' OR v_wish.login = ANY (v_refused);
            v_priority := jikan_sync.unknown_priority(v_wish.login);
            IF v_priority IS NULL THEN
                v_refused := v_refused || v_wish.login;
                CONTINUE;
            END IF;
            INSERT INTO jikan_sync.ledger AS l (mal_id, facet, wished_by, wished_at)
            VALUES (v_wish.mal_id, 'core', v_wish.login, jikan_sync.clock_now())
            ON CONFLICT ON CONSTRAINT ledger_pkey DO UPDATE SET
                wished_by = excluded.wished_by,
                wished_at = excluded.wished_at;
        END IF;
        PERFORM jikan_sync.enqueue(
            CASE v_wish.facet WHEN 'core' THEN 'anime' ELSE 'facet' END,
            v_wish.mal_id,
            CASE v_wish.facet
                WHEN 'core' THEN '{}' ELSE jsonb_build_object('facet', v_wish.facet)
            END,
            v_priority
        );
    END LOOP;
END;
$$;

COMMENT ON FUNCTION jikan_sync.fold_facets(jikan_sync.wish[]) IS
'Queues the facets among the wishes, each once, unless the ledger forbids it.';

CREATE FUNCTION jikan_sync.fold_vectors(wishes jikan_sync.wish[])
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wish record;
    v_priority text;
    v_refused text[] := '{}';
BEGIN
    PERFORM jikan_sync.enqueue('embed', a.mal_id, priority => 'high')
    FROM (
        SELECT DISTINCT w.mal_id FROM unnest(wishes) AS w WHERE w.kind = 'vector'
    ) AS w
    INNER JOIN jikan.anime AS a ON a.mal_id = w.mal_id
    WHERE a.removed_at IS NULL
        AND NOT jikan_sync.has_current_vector(a.id, a.embedding_hash)
        AND jikan_sync.is_wanted('embed:' || a.id::text, 'high')
        AND NOT jikan_sync.is_given_up('embed:' || a.id::text);

    FOR v_wish IN
        SELECT
            w.query_key,
            w.login,
            'embed_query:' || w.query_key AS key,
            min(w.query) AS query
        FROM unnest(wishes) AS w
        WHERE w.kind = 'query_vector'
        GROUP BY w.query_key, w.login
        ORDER BY w.query_key, min(w.id)
    LOOP
        UPDATE jikan_sync.query_vector AS v
        SET used_at = jikan_sync.clock_now()
        WHERE v.query_key = v_wish.query_key
            AND v.model_id = jikan_sync.active_model_id();
        CONTINUE WHEN FOUND
            OR v_wish.login = ANY (v_refused)
            OR NOT jikan_sync.is_wanted(v_wish.key, 'high')
            OR jikan_sync.is_given_up(v_wish.key);
        v_priority := jikan_sync.query_vector_priority(v_wish.login);
        IF v_priority IS NULL THEN
            v_refused := v_refused || v_wish.login;
            CONTINUE;
        END IF;
        PERFORM FROM jikan_sync.put_tasks(ARRAY[
            ROW(
                'embed_query',
                NULL,
                NULL,
                jsonb_build_object(
                    'query', v_wish.query,
                    'query_key', v_wish.query_key,
                    'requested_by', v_wish.login
                ),
                v_priority,
                NULL,
                NULL,
                NULL
            )::jikan_sync.new_task
        ]);
    END LOOP;
END;
$$;

COMMENT ON FUNCTION jikan_sync.fold_vectors(jikan_sync.wish[]) IS
'Queues the titles and queries among the wishes to be embedded, those that lack a vector and did not
lately become a dead letter, queries within each login''s limit, and notes which queries'' vectors
are in use.';

CREATE FUNCTION jikan_sync.fold_searches(wishes jikan_sync.wish[])
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wish record;
    v_known jikan_sync.search_request;
    v_now timestamptz := jikan_sync.clock_now();
    v_is_available boolean := jikan_sync.upstream_available();
    v_priority text;
    v_refused text[] := '{}';
BEGIN
    FOR v_wish IN
        SELECT
            w.query_key,
            (array_agg(w.query ORDER BY w.id))[1] AS query,
            (array_agg(w.login ORDER BY w.id))[1] AS login,
            count(*) AS ask_count
        FROM unnest(wishes) AS w
        WHERE w.kind = 'search'
        GROUP BY w.query_key
        ORDER BY min(w.id)
    LOOP
        SELECT s.* INTO v_known
        FROM jikan_sync.search_request AS s
        WHERE s.query_key = v_wish.query_key;
        CONTINUE WHEN jikan_sync.search_verdict(v_known) IS NOT NULL
            OR v_wish.login = ANY (v_refused);
        v_priority := jikan_sync.search_priority(v_wish.login);
        IF v_priority IS NULL THEN
            v_refused := v_refused || v_wish.login;
            CONTINUE;
        END IF;
        INSERT INTO jikan_sync.search_request AS s (
            query_key, state, requested_at, failed_at, requested_by, asked_count
        )
        VALUES (
            v_wish.query_key,
            CASE WHEN v_is_available THEN 'pending' ELSE 'unavailable' END,
            v_now,
            CASE WHEN NOT v_is_available THEN v_now END,
            v_wish.login,
            v_wish.ask_count
        )
        ON CONFLICT ON CONSTRAINT search_request_pkey DO UPDATE SET
            state = excluded.state,
            requested_at = excluded.requested_at,
            requested_by = excluded.requested_by,
            failed_at = coalesce(excluded.failed_at, s.failed_at),
            asked_count = s.asked_count + excluded.asked_count;
        -- During an outage the question waits in the queue for better times, but nobody waits for
        -- it.
        PERFORM FROM jikan_sync.put_tasks(ARRAY[
            ROW(
                'search',
                NULL,
                NULL,
                jsonb_build_object('query', v_wish.query, 'query_key', v_wish.query_key),
                CASE WHEN v_is_available THEN v_priority ELSE 'low' END,
                NULL,
                NULL,
                NULL
            )::jikan_sync.new_task
        ]);
    END LOOP;
END;
$$;

COMMENT ON FUNCTION jikan_sync.fold_searches(jikan_sync.wish[]) IS
'Puts the questions among the wishes upstream, each once, within each login''s limits.';

CREATE FUNCTION jikan_sync.fold_wishes(max_wishes integer DEFAULT 500)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '20ms'
AS $$
DECLARE
    v_last bigint := (SELECT s.last_value FROM jikan_sync.wish_id_seq AS s);
    v_wishes jikan_sync.wish[];
    v_wish jikan_sync.wish;
    v_count integer := 0;
    v_batch integer := max_wishes;
    v_message text;
BEGIN
    PERFORM FROM jikan_sync.wish_fold AS f FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- All at once; after a failure, one by one, so that a wish that fails takes none along.
    LOOP
        v_wishes := NULL;
        BEGIN
            WITH taken AS (
                DELETE FROM jikan_sync.wish AS w
                WHERE w.id IN (SELECT n.id FROM jikan_sync.wish AS n ORDER BY n.id LIMIT v_batch)
                RETURNING w AS wish
            )

            SELECT array_agg(t.wish ORDER BY (t.wish).id) INTO v_wishes FROM taken AS t;
            EXIT WHEN v_wishes IS NULL;
            PERFORM jikan_sync.fold_facets(v_wishes);
            PERFORM jikan_sync.fold_searches(v_wishes);
            PERFORM jikan_sync.fold_vectors(v_wishes);
            v_count := v_count + cardinality(v_wishes);
            EXIT WHEN v_count >= max_wishes OR cardinality(v_wishes) < v_batch;
        EXCEPTION
            WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
                EXIT;  -- somebody has it: they stay, and are looked at again in a moment
            WHEN OTHERS THEN
                EXIT WHEN v_wishes IS NULL;
                IF v_batch = 1 THEN
                    GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT;
                    v_wish := v_wishes[1];
                    DELETE FROM jikan_sync.wish AS w WHERE w.id = v_wish.id;
                    PERFORM jikan_sync.reject_document(
                        'wish', v_wish.mal_id, v_message, to_jsonb(v_wish)::text
                    );
                    v_count := v_count + 1;
                END IF;
                v_batch := 1;
        END;
    END LOOP;
    -- What stays for the next fold still waits, and counts as waiting.
    SELECT least(v_last, min(w.id) - 1) INTO v_last FROM jikan_sync.wish AS w;
    UPDATE jikan_sync.wish_fold AS f SET folded_id = v_last WHERE f.folded_id < v_last;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.fold_wishes(integer) IS
'Makes tasks of what readers wished for and committed, up to `max_wishes`; answers how many wishes
it took. Called by every claim and by the sweep. Waits for no lock: what is held is left for
later.';

COMMIT;
