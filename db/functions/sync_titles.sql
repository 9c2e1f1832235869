-- Deploy pgjikan:functions/sync_titles to pg
-- requires: functions/sync_run
-- requires: functions/reserve_rate
-- requires: functions/freshness_refresh

-- Fetching titles that somebody names, or the most popular ones that lack details, and what the
-- whole catalogue would cost: what `pgjikan sync` asks besides runs.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.sync_titles(mal_ids integer[])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_mal_ids integer[] := (
        SELECT array_agg(DISTINCT m.mal_id) FROM unnest(mal_ids) AS m (mal_id)
    );
BEGIN
    IF cardinality(v_mal_ids) <= 2 THEN
        RETURN jikan_sync.enqueue_many('anime', v_mal_ids, 'high');
    END IF;
    RETURN jikan_sync.enqueue_many('anime', v_mal_ids, 'low');
END;
$$;

COMMENT ON FUNCTION jikan_sync.sync_titles(integer[]) IS
'Queues the full documents of these titles, known or not: one or two as high, more as low. Answers
how many are newly queued.';

GRANT EXECUTE ON FUNCTION jikan_sync.sync_titles(integer[]) TO jikan_sidecar;

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
        ORDER BY a.members DESC NULLS LAST, a.mal_id
        LIMIT wanted_details.max_titles
    ) AS w;
END;

COMMENT ON FUNCTION jikan_sync.wanted_details(integer) IS
'The most popular titles whose full document was never stored, at most `max_titles`.';

GRANT EXECUTE ON FUNCTION jikan_sync.wanted_details(integer) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.sync_titles_progress(mal_ids integer[])
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
        count(*) FILTER (WHERE q.id IS null AND a.is_full)::integer,
        count(*) FILTER (WHERE q.id IS null AND d.id IS null AND a.is_full IS NOT true)::integer,
        count(*) FILTER (WHERE q.id IS null AND d.id IS NOT null)::integer,
        min(q.ready_at),
        max(coalesce(q.errors -> -1 ->> 'message', d.message))
    FROM unnest(sync_titles_progress.mal_ids) AS m (mal_id)
    LEFT JOIN jikan_sync.queue AS q ON q.dedupe_key = 'anime:' || m.mal_id::text
    LEFT JOIN jikan_sync.dead_letter AS d ON d.dedupe_key = 'anime:' || m.mal_id::text
    LEFT JOIN jikan.anime AS a ON m.mal_id = a.mal_id;
END;

COMMENT ON FUNCTION jikan_sync.sync_titles_progress(integer[]) IS
'Of these titles: how many wait to be fetched, are stored, are unknown upstream, were given up; when
the next may be tried, and what one of them failed at last.';

GRANT EXECUTE ON FUNCTION jikan_sync.sync_titles_progress(integer[]) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.estimate_catalogue(detail_count integer DEFAULT 0)
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
            + least(estimate_catalogue.detail_count, s.titles) AS requests,
            (
                SELECT p.name
                FROM jikan_sync.provider AS p
                WHERE p.enabled
                ORDER BY p.rank
                LIMIT 1
            ) AS provider
        FROM size AS s
    )

    SELECT
        p.titles,
        p.pages,
        p.requests,
        p.provider,
        coalesce(
            (
                SELECT
                    max(
                        greatest(p.requests - r.burst, 0)::double precision
                        * jikan_sync.rate_spacing(r, jikan_sync.clock_now())
                    )
                FROM jikan_sync.rate_limit AS r
                WHERE r.subject = 'provider:' || p.provider
            ),
            interval '0'
        )
    FROM plan AS p;
END;

COMMENT ON FUNCTION jikan_sync.estimate_catalogue(integer) IS
'What the catalogue (or the rest of a run that is under way) and the details of `detail_count`
titles would cost at the first provider''s limits: requests and time.';

GRANT EXECUTE ON FUNCTION jikan_sync.estimate_catalogue(integer) TO jikan_sidecar;

COMMIT;
