-- Deploy pgjikan:functions/face/facet to pg
-- requires: functions/face/check_arguments
-- requires: functions/freshness/request_refresh
-- requires: functions/freshness/count_hit
-- requires: functions/store/store_facet

-- How every facet is read: at once, with its age, and what is stale or was never fetched is wished
-- for. A facet that is only kept as received needs no function of its own to be read.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.look_at(
    mal_id integer,
    facet text,
    OUT anime_id bigint,
    OUT freshness text,
    OUT synced_at timestamptz
)
RETURNS record
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM jikan_sync.check_mal_id(mal_id);
    SELECT a.id, f.freshness, f.stored_at
    INTO look_at.anime_id, look_at.freshness, look_at.synced_at
    FROM jikan.anime AS a
    INNER JOIN jikan_sync.facet_freshness AS f ON f.mal_id = a.mal_id
    WHERE a.mal_id = look_at.mal_id
        AND f.facet = look_at.facet;
    PERFORM jikan_sync.count_hit(look_at.anime_id);
    IF look_at.freshness IS DISTINCT FROM 'fresh' THEN
        PERFORM jikan_sync.request_facet(facet, mal_id, 'high');
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.look_at(integer, text) IS
'What a read of a facet begins with: the anime, how fresh the facet is and since when; what is stale
or was never fetched is wished for, of an unknown id the title, of one gone upstream nothing.
Raises: 22023 (no positive `mal_id`).';

CREATE FUNCTION anime.facet(mal_id integer, facet text)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_look record;
BEGIN
    IF NOT EXISTS (
        SELECT FROM jikan_sync.facet AS f
        WHERE f.name = "facet".facet AND f.path IS NOT NULL AND f.name <> 'core'
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such facet: %L', facet),
            HINT = (
                SELECT 'One of ' || string_agg(f.name, ', ' ORDER BY f.position)
                    || '; the rest is in anime.get.'
                FROM jikan_sync.facet AS f
                WHERE f.path IS NOT NULL AND f.name <> 'core'
            );
    END IF;
    v_look := jikan_sync.look_at(mal_id, facet);
    IF v_look.anime_id IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object(
        'mal_id', mal_id,
        'facet', facet,
        'freshness', v_look.freshness,
        'synced_at', v_look.synced_at,
        'data', jikan_sync.facet_data(v_look.anime_id, facet)
    );
END;
$$;

COMMENT ON FUNCTION anime.facet(integer, text) IS
'A facet of an anime as an upstream sent it: {"mal_id", "facet", "freshness": fresh, stale or never,
"synced_at", "data"}; NULL for an id that is not mirrored. What is stale or was never fetched is
queued: ask again in a second. Raises: 22023 (no such facet, no positive `mal_id`).';

GRANT EXECUTE ON FUNCTION anime.facet(integer, text) TO anime_reader;

COMMIT;
