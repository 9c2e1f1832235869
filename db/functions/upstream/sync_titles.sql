-- Deploy pgjikan:functions/upstream/sync_titles to pg
-- requires: functions/upstream/sync_run
-- requires: functions/upstream/reserve_rate
-- requires: functions/freshness/refresh_stale
-- requires: functions/face/check_arguments

-- Fetching titles, or a facet of theirs, that somebody names, or of the most popular ones that lack
-- it, and what that and the whole catalogue would cost: what `pgjikan sync` asks besides runs.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.check_routed_facet(facet text)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM jikan_sync.facet AS f
        WHERE f.name = check_routed_facet.facet AND f.path IS NOT NULL
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no facet %L has a route of its own', facet),
            HINT = 'SELECT name, path FROM jikan_sync.facet WHERE path IS NOT NULL;';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_routed_facet(text) IS
'Refuses what is no facet with a route of its own. Raises: 22023.';

CREATE FUNCTION jikan_sync.sync_titles(mal_ids integer[], facet text DEFAULT 'core')
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_mal_ids integer[];
BEGIN
    PERFORM jikan_sync.check_mal_ids(mal_ids, 'mal_ids', 1000000);
    PERFORM jikan_sync.check_routed_facet(facet);
    v_mal_ids := ARRAY(
        SELECT m.mal_id
        FROM unnest(mal_ids) WITH ORDINALITY AS m (mal_id, place)
        WHERE jikan_sync.may_ask(sync_titles.facet, m.mal_id)
        GROUP BY m.mal_id
        ORDER BY min(m.place)
    );
    RETURN (
        SELECT count(*)
        FROM jikan_sync.put_tasks(
            ARRAY(
                SELECT
                    ROW(
                        CASE sync_titles.facet WHEN 'core' THEN 'anime' ELSE 'facet' END,
                        a.id,
                        m.mal_id,
                        CASE sync_titles.facet
                            WHEN 'core' THEN '{}' ELSE jsonb_build_object('facet', sync_titles.facet)
                        END,
                        CASE WHEN cardinality(v_mal_ids) <= 2 THEN 'high' ELSE 'low' END,
                        -- In the order of asking: who interrupts it has the first of them.
                        jikan_sync.earlier(
                            v_now, (cardinality(v_mal_ids) - m.place) * interval '1 microsecond'
                        ),
                        NULL,
                        NULL
                    )::jikan_sync.new_task
                FROM unnest(v_mal_ids) WITH ORDINALITY AS m (mal_id, place)
                LEFT JOIN jikan.anime AS a ON a.mal_id = m.mal_id
            )
        )
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.sync_titles(integer[], text) IS
'Queues the documents of a facet of these titles in their order, known or not, but those whose last
answer forbids it yet: one or two as high, more as low. Answers how many are newly queued. Raises:
22023 (no positive id, no facet with a route).';

GRANT EXECUTE ON FUNCTION jikan_sync.sync_titles(integer[], text) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.wanted_details(max_titles integer)
RETURNS integer[]
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce(array_agg(w.mal_id), '{}')
    FROM (
        SELECT a.mal_id
        FROM jikan.anime AS a
        WHERE NOT a.is_full AND a.removed_at IS null
        ORDER BY a.members DESC NULLS LAST, a.mal_id ASC
        LIMIT wanted_details.max_titles
    ) AS w;
END;

COMMENT ON FUNCTION jikan_sync.wanted_details(integer) IS
'The most popular titles whose full document was never stored, at most `max_titles`.';

GRANT EXECUTE ON FUNCTION jikan_sync.wanted_details(integer) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.wanted_facet(facet text, max_titles integer)
RETURNS integer[]
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM jikan_sync.check_routed_facet(facet);
    RETURN ARRAY(
        SELECT p.mal_id
        FROM (
            SELECT a.mal_id, a.status, a.members
            FROM jikan.anime AS a
            WHERE a.removed_at IS NULL
            ORDER BY a.members DESC NULLS LAST, a.mal_id ASC
            LIMIT max_titles
        ) AS p
        WHERE jikan_sync.is_stale(
            wanted_facet.facet, p.status, jikan_sync.facet_synced_at(wanted_facet.facet, p.mal_id)
        )
            AND jikan_sync.may_ask(wanted_facet.facet, p.mal_id)
        ORDER BY p.members DESC NULLS LAST, p.mal_id ASC
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.wanted_facet(text, integer) IS
'Those of the `max_titles` most popular titles whose facet is stale or was never fetched and may be
asked for, the most popular first. Raises: 22023 (no facet with a route).';

GRANT EXECUTE ON FUNCTION jikan_sync.wanted_facet(text, integer) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.sync_titles_progress(mal_ids integer[], facet text DEFAULT 'core')
RETURNS TABLE (
    pending_count integer,
    stored_count integer,
    missing_count integer,
    dead_count integer,
    next_try_at timestamptz,
    trouble text
)
LANGUAGE sql
STABLE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT
        count(q.id)::integer,
        count(*) FILTER (WHERE q.id IS null AND m.is_stored)::integer,
        count(*) FILTER (WHERE q.id IS null AND d.id IS null AND NOT m.is_stored)::integer,
        count(*) FILTER (WHERE q.id IS null AND d.id IS NOT null)::integer,
        min(q.ready_at),
        max(coalesce(q.errors -> -1 ->> 'message', d.message))
    FROM (
        SELECT
            jikan_sync.task_key(
                CASE sync_titles_progress.facet WHEN 'core' THEN 'anime' ELSE 'facet' END,
                i.mal_id,
                null,
                jsonb_build_object('facet', sync_titles_progress.facet)
            ) AS dedupe_key,
            CASE sync_titles_progress.facet
                WHEN 'core' THEN coalesce(a.is_full, false)
                ELSE coalesce(l.stored_at > '-infinity', false)
            END AS is_stored
        FROM unnest(sync_titles_progress.mal_ids) AS i (mal_id)
        LEFT JOIN jikan.anime AS a ON i.mal_id = a.mal_id
        LEFT JOIN jikan_sync.ledger AS l
            ON i.mal_id = l.mal_id AND l.facet = sync_titles_progress.facet
    ) AS m
    LEFT JOIN jikan_sync.queue AS q ON m.dedupe_key = q.dedupe_key
    LEFT JOIN jikan_sync.dead_letter AS d ON m.dedupe_key = d.dedupe_key;
END;

COMMENT ON FUNCTION jikan_sync.sync_titles_progress(integer[], text) IS
'Of a facet of these titles: how many wait to be fetched, are stored, are unknown upstream, were
given up; when the next may be tried, and what one of them failed at last.';

GRANT EXECUTE ON FUNCTION jikan_sync.sync_titles_progress(integer[], text) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.estimate_requests(request_count integer, keys text[] DEFAULT '{}')
RETURNS TABLE (provider text, duration interval)
LANGUAGE sql
STABLE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT
        p.name,
        coalesce(
            (
                SELECT
                    max(
                        greatest(estimate_requests.request_count - r.burst, 0)::double precision
                        * jikan_sync.rate_spacing(r, jikan_sync.clock_now())
                    )
                FROM jikan_sync.rate_limit AS r
                WHERE
                    r.subject = jikan_sync.limit_subject(
                        p.name, p.name = any(estimate_requests.keys)
                    )
            ),
            interval '0'
        )
    FROM (
        SELECT (array_agg(e.name ORDER BY e.rank))[1] AS name
        FROM jikan_sync.provider AS e
        WHERE e.enabled
    ) AS p;
END;

COMMENT ON FUNCTION jikan_sync.estimate_requests(integer, text[]) IS
'How long so many requests take at the first provider''s limits, with a server key where `keys`
names it; `provider` is NULL where none is enabled.';

GRANT EXECUTE ON FUNCTION jikan_sync.estimate_requests(integer, text[]) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.estimate_catalogue(
    detail_count integer DEFAULT 0,
    keys text[] DEFAULT '{}'
)
RETURNS TABLE (
    title_count integer,
    page_count integer,
    request_count integer,
    provider text,
    duration interval
)
LANGUAGE sql
STABLE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH size AS (
        SELECT
            jikan_sync.catalogue_size() AS titles,
            coalesce(
                (
                    SELECT r.page_count
                    FROM jikan_sync.sync_run AS r
                    WHERE r.kind = 'catalogue' AND r.state = 'running'
                ),
                0
            ) AS pages_done
    ),

    plan AS (
        SELECT
            s.titles,
            greatest(ceil(s.titles / 25.0)::integer - s.pages_done, 0) AS pages,
            greatest(ceil(s.titles / 25.0)::integer - s.pages_done, 0)
            + least(estimate_catalogue.detail_count, s.titles) AS requests
        FROM size AS s
    )

    SELECT
        p.titles,
        p.pages,
        p.requests,
        e.provider,
        e.duration
    FROM plan AS p
    CROSS JOIN LATERAL jikan_sync.estimate_requests(p.requests, estimate_catalogue.keys) AS e;
END;

COMMENT ON FUNCTION jikan_sync.estimate_catalogue(integer, text[]) IS
'What the catalogue (or the rest of a run that is under way) and the details of `detail_count`
titles would cost at the first provider''s limits, with a server key where `keys` names it: requests
and time.';

GRANT EXECUTE ON FUNCTION jikan_sync.estimate_catalogue(integer, text[]) TO jikan_sidecar;

COMMIT;
