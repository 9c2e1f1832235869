-- Deploy pgjikan:functions/recommend/popular_titles to pg
-- requires: schema/neighbour
-- requires: functions/face/admits

-- What passes a filter, most popular first: where too few neighbours do, these are looked at.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.popular_titles(
    filter jikan_sync.face_filter,
    without integer[],
    max_rows integer
)
RETURNS bigint[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
-- With the filter known the conditions it does not make are planned away.
SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    RETURN ARRAY(
        SELECT p.anime_id
        FROM jikan_sync.candidate AS p
        WHERE jikan_sync.admits(filter, p.facts)
            AND p.mal_id <> ALL (without)
        ORDER BY p.members DESC, p.anime_id
        LIMIT max_rows
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.popular_titles(
    jikan_sync.face_filter, integer[], integer
) IS
'The anime that may be recommended and pass a filter, most members first, without those of these
mal_ids; all where `max_rows` is NULL.';

COMMIT;
