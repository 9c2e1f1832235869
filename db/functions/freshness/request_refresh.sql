-- Deploy pgjikan:functions/freshness/request_refresh to pg
-- requires: functions/freshness/ledger
-- requires: schema/facet_freshness
-- requires: functions/queue/login_limit
-- requires: functions/queue/fold_wishes
-- requires: functions/queue/wish

-- What a read wishes for: a refresh of the stale among what it found, or what was never fetched.
-- It consults the ledger and the queue, so that it wishes for nothing that is on its way or was
-- answered a moment ago, and appends the rest.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.request_facet(facet text, mal_id integer, priority text)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_is_removed boolean := (
        SELECT a.removed_at IS NOT NULL FROM jikan.anime AS a WHERE a.mal_id = request_facet.mal_id
    );
    v_is_mirrored boolean := v_is_removed IS NOT NULL;
    v_route text := (
        SELECT coalesce(f.brought_by, f.name)
        FROM jikan_sync.facet AS f
        WHERE f.name = request_facet.facet
    );
BEGIN
    IF v_route IS NULL OR v_is_removed OR request_facet.mal_id IS NULL OR request_facet.mal_id < 1
    THEN
        RETURN false;
    END IF;
    IF v_is_mirrored AND NOT jikan_sync.may_ask(request_facet.facet, request_facet.mal_id) THEN
        RETURN false;
    END IF;
    IF NOT v_is_mirrored THEN
        -- The title before its parts.
        v_route := 'core';
    END IF;
    IF NOT jikan_sync.may_ask(v_route, request_facet.mal_id)
        OR NOT jikan_sync.is_wanted(
            jikan_sync.task_key(
                CASE v_route WHEN 'core' THEN 'anime' ELSE 'facet' END, request_facet.mal_id, NULL,
                jsonb_build_object('facet', v_route)
            ),
            request_facet.priority
        )
        OR NOT v_is_mirrored AND jikan_sync.unknown_priority(session_user::text) IS NULL
    THEN
        RETURN false;
    END IF;
    RETURN jikan_sync.wish(
        'facet', request_facet.priority, facet => v_route, mal_id => request_facet.mal_id
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_facet(text, integer, text) IS
'Wishes for a facet of a title on behalf of a read, stale or not; of a title that is not mirrored,
for the title. False where it is on its way, the ledger forbids to ask, the title is gone upstream,
this login asked for too many unknown ids, or nothing can be written. Never waits.';

CREATE FUNCTION jikan_sync.request_refresh(mal_ids integer[], high_limit integer DEFAULT 2)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_stale integer[];
    v_count integer := 0;
BEGIN
    -- In the order of the caller, whose first titles matter most.
    SELECT array_agg(a.mal_id ORDER BY asked.place) INTO v_stale
    FROM (
        SELECT m.mal_id, min(m.place) AS place
        FROM unnest(request_refresh.mal_ids) WITH ORDINALITY AS m (mal_id, place)
        GROUP BY m.mal_id
    ) AS asked
    INNER JOIN jikan.anime AS a ON a.mal_id = asked.mal_id
    WHERE a.removed_at IS NULL
        AND jikan_sync.is_stale('core', a.status, a.last_jikan_sync);

    FOR v_place IN 1..coalesce(cardinality(v_stale), 0) LOOP
        v_count := v_count + jikan_sync.request_facet(
            'core', v_stale[v_place], CASE WHEN v_place <= high_limit THEN 'high' ELSE 'low' END
        )::integer;
    END LOOP;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_refresh(integer[], integer) IS
'Wishes for a /full document of those of the mirrored titles whose core is stale: the first
`high_limit` as high, the rest as low; answers how many wishes it appended.';

CREATE FUNCTION jikan_sync.request_facets(mal_id integer)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_is_removed boolean;
    v_facet text;
    v_place integer := 0;
    v_count integer := 0;
BEGIN
    SELECT a.removed_at IS NOT NULL INTO v_is_removed
    FROM jikan.anime AS a
    WHERE a.mal_id = request_facets.mal_id;
    IF NOT FOUND THEN
        RETURN jikan_sync.request_facet('core', mal_id, 'high')::integer;
    END IF;
    IF v_is_removed THEN
        RETURN 0;
    END IF;
    FOR v_facet IN
        SELECT f.route
        FROM jikan_sync.facet_freshness AS f
        WHERE f.mal_id = request_facets.mal_id
            AND f.is_asked_by_get
            AND f.freshness <> 'fresh'
            AND coalesce(f.not_before, '-infinity') <= jikan_sync.clock_now()
        GROUP BY f.route
        ORDER BY min(f.position)
    LOOP
        v_place := v_place + 1;
        v_count := v_count + jikan_sync.request_facet(
            v_facet, mal_id, CASE WHEN v_place <= 2 THEN 'high' ELSE 'low' END
        )::integer;
    END LOOP;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_facets(integer) IS
'Wishes for those facets of a title that `anime.get` shows and that are stale or were never fetched,
the first two as high; an unknown id is wished for as high. Answers how many wishes it appended.';

COMMIT;
