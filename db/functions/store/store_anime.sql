-- Deploy pgjikan:functions/store/store_anime to pg
-- requires: functions/store/write_anime
-- requires: functions/store/write_full
-- requires: functions/store/document_fault
-- requires: schema/rejected_document
-- requires: schema/mutex

-- How Jikan documents become rows, whoever brings them. The whole array is written in one go; only
-- when a value turns out not to fit its column is it done again document by document, so that the
-- culprit lands in `jikan_sync.rejected_document` and its neighbours in the mirror.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.store_result AS (
    inserted integer,
    updated integer,
    unchanged integer,
    rejected integer
);

COMMENT ON TYPE jikan_sync.store_result IS
'What became of the anime in one call''s documents; several documents of one mal_id are one anime.';

CREATE FUNCTION jikan_sync.store_anime(
    documents jsonb,
    source text DEFAULT 'list',
    fetched_at timestamptz DEFAULT NULL
)
RETURNS jikan_sync.store_result
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_full_fields CONSTANT text[] := '{relations,theme,external,streaming}';
    v_fetched_at timestamptz := least(fetched_at, jikan_sync.clock_now());
    v_step interval := jikan_sync.confirmation_step();
    v_faulty jsonb[];
    v_documents jsonb[];
    v_core_hashes bigint[];
    v_full_hashes bigint[];
    v_is_full boolean[];
    v_distinct integer;
    v_inserted integer[] := '{}';
    v_updated integer[] := '{}';
    v_new integer[];
    v_old integer[];
    v_fulls integer[];
    v_rejected integer := 0;
    v_message text;
    v_number integer;
    v_from integer := 1;
    v_to integer;
BEGIN
    IF documents IS NULL OR jsonb_typeof(documents) NOT IN ('array', 'object') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'documents must be a JSON array of Jikan Anime objects',
            HINT = 'Pass the `data` of a Jikan response.';
    END IF;
    IF source IS NULL OR source NOT IN ('list', 'full') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('source must be list or full, not %L', source),
            HINT = 'list: search, season and catalogue pages, files. full: /anime/{id} and /full.';
    END IF;

    WITH document AS MATERIALIZED (
        SELECT
            e.document,
            e.position,
            jikan_sync.document_mal_id(e.document) AS mal_id,
            o.is_object AND e.document ?& '{relations,theme}' AS is_full,
            CASE
                WHEN o.is_object AND e.document ?| c_full_fields
                    THEN jsonb_hash_extended(e.document - c_full_fields, 0)
                ELSE jsonb_hash_extended(e.document, 0)
            END AS core_hash,
            CASE
                WHEN o.is_object AND e.document ?& '{relations,theme}'
                    THEN jsonb_hash_extended(
                        jsonb_build_array(
                            e.document -> 'relations', e.document -> 'theme',
                            e.document -> 'external', e.document -> 'streaming'
                        ), 0
                    )
            END AS full_hash
        FROM jsonb_array_elements(
            CASE jsonb_typeof(documents) WHEN 'array' THEN documents ELSE jsonb_build_array(documents) END
        ) WITH ORDINALITY AS e (document, position)
        -- A string has the key that it is, and from no scalar can keys be taken.
        CROSS JOIN LATERAL (SELECT jsonb_typeof(e.document) = 'object' AS is_object) AS o
    ),

    differing AS MATERIALIZED (
        SELECT d.*
        FROM document AS d
        LEFT JOIN jikan.anime AS a ON a.mal_id = d.mal_id
        WHERE a.id IS NULL
            OR v_fetched_at >= a.last_jikan_sync AND (
                a.core_hash <> d.core_hash
                OR a.sync_status = 'stale'
                OR a.missing_count > 0
                OR v_fetched_at >= jikan_sync.later(a.last_jikan_sync, v_step)
            )
            OR d.is_full AND (
                a.full_hash IS DISTINCT FROM d.full_hash
                OR v_fetched_at >= jikan_sync.later(a.full_synced_at, v_step)
            )
    ),

    faulty AS MATERIALIZED (
        SELECT d.position
        FROM differing AS d
        WHERE d.mal_id IS NULL
            OR NOT d.document ?& '{mal_id,title}'
        UNION
        SELECT d.position
        FROM differing AS d
        CROSS JOIN LATERAL jsonb_each(
            CASE jsonb_typeof(d.document) WHEN 'object' THEN d.document END
        ) AS f (name, value)
        INNER JOIN jikan_sync.document_field AS k ON k.name = f.name
        WHERE NOT jikan_sync.fits_field(f.value, k.json_types)
    ),

    -- Among all documents of an anime, not among those that differ: else a page that holds two
    -- would, when it comes again, bring back the one that lost.
    best AS (
        SELECT DISTINCT ON (d.mal_id) d.position
        FROM document AS d
        WHERE d.mal_id IS NOT NULL
            AND d.position NOT IN (SELECT f.position FROM faulty AS f)
        ORDER BY d.mal_id, d.is_full DESC, d.position DESC
    ),

    chosen AS (
        SELECT d.*
        FROM differing AS d
        INNER JOIN best AS b USING (position)
    )

    SELECT
        array_agg(c.document ORDER BY c.mal_id),
        array_agg(c.core_hash ORDER BY c.mal_id),
        array_agg(c.full_hash ORDER BY c.mal_id),
        array_agg(c.is_full ORDER BY c.mal_id),
        (SELECT array_agg(d.document) FROM differing AS d INNER JOIN faulty AS f USING (position)),
        (
            SELECT count(DISTINCT d.mal_id)
            FROM document AS d
            WHERE d.position NOT IN (SELECT f.position FROM faulty AS f)
        )
    INTO v_documents, v_core_hashes, v_full_hashes, v_is_full, v_faulty, v_distinct
    FROM chosen AS c;

    PERFORM jikan_sync.reject_document(
        store_anime.source,
        jikan_sync.document_mal_id(d.document),
        coalesce(jikan_sync.document_fault(d.document), 'mal_id is no positive integer'),
        d.document::text
    )
    FROM unnest(v_faulty) AS d (document);
    v_rejected := coalesce(cardinality(v_faulty), 0);

    -- Nobody can lock what is not there, so new titles are added by one at a time: two that add the
    -- same ones, while a third has some of them already, would wait for each other.
    IF EXISTS (
        SELECT FROM unnest(v_documents) AS d (document)
        WHERE NOT EXISTS (
            SELECT FROM jikan.anime AS a
            WHERE a.mal_id = jikan_sync.document_mal_id(d.document)
        )
    ) THEN
        PERFORM FROM jikan_sync.mutex AS m WHERE m.name = 'title' FOR NO KEY UPDATE;
    END IF;

    -- The rows there are, in the order in which everyone locks them: the writes below go by mal_id.
    PERFORM
    FROM jikan.anime AS a
    WHERE a.mal_id = ANY (
        SELECT jikan_sync.document_mal_id(d.document)
        FROM unnest(v_documents) AS d (document)
    )
    ORDER BY a.id
    FOR NO KEY UPDATE;

    -- All at once; after a failure, one by one.
    v_to := coalesce(cardinality(v_documents), 0);
    v_number := v_to;
    WHILE v_from <= v_number LOOP
        BEGIN
            SELECT
                array_agg(w.mal_id) FILTER (WHERE w.is_new),
                array_agg(w.mal_id) FILTER (WHERE NOT w.is_new)
            INTO v_new, v_old
            FROM jikan_sync.write_anime(
                v_documents[v_from:v_to],
                v_core_hashes[v_from:v_to],
                store_anime.source = 'list' AND NOT true = ALL (v_is_full[v_from:v_to]),
                v_fetched_at
            ) AS w;

            v_fulls := NULL;
            IF true = ANY (v_is_full[v_from:v_to]) THEN
                SELECT array_agg(w.mal_id)
                INTO v_fulls
                FROM (
                    SELECT
                        array_agg(d.document) AS documents,
                        array_agg(d.full_hash) AS full_hashes
                    FROM unnest(
                        v_documents[v_from:v_to],
                        v_full_hashes[v_from:v_to]
                    ) AS d (document, full_hash)
                    WHERE d.full_hash IS NOT NULL
                ) AS f
                CROSS JOIN LATERAL jikan_sync.write_full(f.documents, f.full_hashes, v_fetched_at) AS w;
            END IF;

            -- Relations without the rest of a /full document: better than none, vouched for by
            -- nothing.
            IF v_new IS NOT NULL THEN
                PERFORM jikan_sync.write_relations(
                    (
                        SELECT array_agg(d.document)
                        FROM unnest(v_documents[v_from:v_to]) AS d (document)
                        WHERE d.document ? 'relations'
                            AND NOT d.document ? 'theme'
                    ),
                    (SELECT array_agg(a.id) FROM jikan.anime AS a WHERE a.mal_id = ANY (v_new))
                );
            END IF;

            v_inserted := v_inserted || v_new;
            v_updated := v_updated || v_old || v_fulls;
            v_from := v_to + 1;
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
                IF v_from = v_to THEN
                    GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT;
                    PERFORM jikan_sync.reject_document(
                        store_anime.source,
                        jikan_sync.document_mal_id(v_documents[v_from]),
                        v_message,
                        v_documents[v_from]::text
                    );
                    v_rejected := v_rejected + 1;
                    v_distinct := v_distinct - 1;
                    v_from := v_from + 1;
                END IF;
        END;
        IF v_from <= v_number THEN
            v_to := v_from;
        END IF;
    END LOOP;

    RETURN (
        SELECT ROW(
            cardinality(v_inserted),
            count(DISTINCT u.mal_id),
            v_distinct - cardinality(v_inserted) - count(DISTINCT u.mal_id),
            v_rejected
        )::jikan_sync.store_result
        FROM unnest(v_updated) AS u (mal_id)
        WHERE u.mal_id <> ALL (v_inserted)
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_anime(jsonb, text, timestamptz) IS
'Stores an array of Jikan Anime objects (or one object); those with relations and theme are /full
documents. `source`: list (the default) or full; `fetched_at`: how old they are, by default and
at most now. Returns counts; what cannot be stored is in `jikan_sync.rejected_document`.
Raises: 22023 (documents is no array, unknown source).';

COMMIT;
