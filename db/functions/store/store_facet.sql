-- Deploy pgjikan:functions/store/store_facet to pg
-- requires: schema/facet_document
-- requires: functions/freshness/ledger
-- requires: functions/store/json_list

-- How the document of any facet but the core is stored, by its row in the registry: as received,
-- and by the store function of the facet where it has tables of its own.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.write_facet_page(
    anime_id bigint,
    facet text,
    page integer,
    document json
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_hash bigint := jsonb_hash_extended(
        jsonb_build_array(document -> 'data', document -> 'pagination'), 0
    );
BEGIN
    INSERT INTO jikan.facet_document AS d (anime_id, facet, page, body, pagination, hash)
    VALUES (
        write_facet_page.anime_id,
        write_facet_page.facet,
        write_facet_page.page,
        document -> 'data',
        document -> 'pagination',
        v_hash
    )
    ON CONFLICT ON CONSTRAINT facet_document_pkey DO UPDATE SET
        body = excluded.body,
        pagination = excluded.pagination,
        hash = excluded.hash
    WHERE d.hash <> excluded.hash;
    RETURN FOUND;
END;
$$;

COMMENT ON FUNCTION jikan_sync.write_facet_page(bigint, text, integer, json) IS
'Keeps a page of a facet as received; false where it is there already, word for word.';

CREATE FUNCTION jikan_sync.facet_data(anime_id bigint, facet text)
RETURNS jsonb
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN count(*) = 1 THEN (array_agg(d.body))[1]::jsonb
            ELSE (
                SELECT jsonb_agg(e.entry ORDER BY p.page, e.place)
                FROM jikan.facet_document AS p
                CROSS JOIN
                    LATERAL jsonb_array_elements(
                        jikan_sync.json_list(p.body::jsonb)
                    ) WITH ORDINALITY AS e (entry, place)
                WHERE p.anime_id = facet_data.anime_id AND p.facet = facet_data.facet
            )
        END
    FROM jikan.facet_document AS d
    WHERE d.anime_id = facet_data.anime_id AND d.facet = facet_data.facet;
END;

COMMENT ON FUNCTION jikan_sync.facet_data(bigint, text) IS
'What is stored of a facet of an anime, all pages in one; NULL where nothing is.';

CREATE FUNCTION jikan_sync.is_empty_data(data json)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        CASE json_typeof(is_empty_data.data)
            WHEN 'array' THEN json_array_length(is_empty_data.data) = 0
            WHEN 'object'
                THEN
                    NOT EXISTS (  -- noqa: LT06, LT01, CP03
                        SELECT
                        FROM json_each_text(is_empty_data.data) AS e (name, value)
                        WHERE e.value !~ '^(\[\s*\]|\{\s*\})?$'
                    )
        END;
END;

COMMENT ON FUNCTION jikan_sync.is_empty_data(json) IS
'Whether the `data` of a facet tells nothing: an empty list, or an object of empty parts; NULL for
what is neither.';

CREATE FUNCTION jikan_sync.store_facet(
    facet text,
    mal_id integer,
    document json,
    page integer DEFAULT 1,
    fetched_at timestamptz DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fetched_at timestamptz := coalesce(
        least(fetched_at, jikan_sync.clock_now()), jikan_sync.clock_now()
    );
    v_facet jikan_sync.facet;
    v_anime_id bigint;
    v_is_changed boolean;
    v_count integer;
BEGIN
    SELECT f.* INTO v_facet FROM jikan_sync.facet AS f WHERE f.name = store_facet.facet;
    IF v_facet.path IS NULL OR v_facet.name = 'core'
        OR coalesce(json_typeof(document -> 'data'), '') NOT IN ('array', 'object')
        OR page IS NULL OR page NOT BETWEEN 1 AND v_facet.max_pages
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('page %s of facet %L is no response with data', page, facet),
            HINT = 'Pass a whole Jikan response, with `data`, of a facet of jikan_sync.facet that '
                   'has a route of its own (the core is jikan_sync.store_anime''s).';
    END IF;

    SELECT a.id INTO v_anime_id
    FROM jikan.anime AS a
    WHERE a.mal_id = store_facet.mal_id
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN 'unmirrored';
    END IF;
    IF EXISTS (
        SELECT FROM jikan_sync.ledger AS l
        WHERE l.mal_id = store_facet.mal_id
            AND l.facet = store_facet.facet
            AND l.stored_at > v_fetched_at
    ) THEN
        RETURN 'older';
    END IF;

    -- Of what was there a moment ago, one empty answer is more likely a fault than the truth.
    IF page = 1
        AND jikan_sync.is_empty_data(document -> 'data')
        AND EXISTS (
            SELECT FROM jikan.facet_document AS d
            WHERE d.anime_id = v_anime_id
                AND d.facet = store_facet.facet
                AND NOT jikan_sync.is_empty_data(d.body)
        )
        AND NOT EXISTS (
            SELECT FROM jikan_sync.ledger AS l
            WHERE l.mal_id = store_facet.mal_id
                AND l.facet = store_facet.facet
                AND l.outcome = 'absent'
        )
    THEN
        PERFORM jikan_sync.note_answer(facet, mal_id, 'absent');
        RETURN 'absent';
    END IF;

    v_is_changed := jikan_sync.write_facet_page(v_anime_id, facet, page, document);
    IF v_facet.is_paged
        AND page < v_facet.max_pages
        AND document #>> '{pagination,has_next_page}' = 'true'
    THEN
        RETURN 'more';
    END IF;

    -- The last page: what lies behind it is gone upstream, and all of it can be filed.
    DELETE FROM jikan.facet_document AS d
    WHERE d.anime_id = v_anime_id
        AND d.facet = store_facet.facet
        AND d.page > store_facet.page;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_facet.store IS NOT NULL AND (v_is_changed OR v_count > 0 OR page > 1) THEN
        EXECUTE format(
            'SELECT %s($1, $2, $3)',
            (v_facet.store || '(integer, jsonb, timestamptz)')::regprocedure::regproc
        ) USING mal_id, jikan_sync.facet_data(v_anime_id, facet), v_fetched_at;
    END IF;
    PERFORM jikan_sync.note_stored(facet, mal_id, v_fetched_at);
    RETURN CASE WHEN v_is_changed OR v_count > 0 THEN 'stored' ELSE 'unchanged' END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_facet(text, integer, json, integer, timestamptz) IS
'Stores a Jikan response of a facet: answers stored, unchanged, more (a page is stored and the next
is to be asked for), older (what is stored is younger), unmirrored (the title is not here) or absent
(an empty answer where something is stored: that stays, and the next empty one is believed). A last
page ends the facet: pages behind it are dropped and the facet counts as fresh. Raises: 22023 (no
such facet, no data), and what its store function raises.';

COMMIT;
