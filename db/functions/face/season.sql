-- Deploy pgjikan:functions/face/season to pg
-- requires: schema/catalog

-- A season's anime, most watched first, as MyAnimeList's season page has them: what premiered then,
-- and of films, OVA and ONA, which have no premiere, what began to air in those three months.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.season(year integer, season text, nsfw boolean DEFAULT FALSE)
RETURNS SETOF anime.catalog
LANGUAGE plpgsql
STABLE
ROWS 200
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_season text := lower(season);
    v_quarter integer := array_position('{winter,spring,summer,fall}'::text[], v_season);
    v_from timestamptz;
    v_to timestamptz;
BEGIN
    IF v_quarter IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('season must be winter, spring, summer or fall, not %L', season),
            HINT = 'Winter starts in January, spring in April, summer in July, fall in October.';
    END IF;
    IF year IS NULL OR year NOT BETWEEN 1 AND 9998 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('year must be a year, not %s', coalesce(year::text, 'NULL')),
            HINT = 'The first anime are of 1907.';
    END IF;
    v_from := make_timestamptz(year, 3 * v_quarter - 2, 1, 0, 0, 0, 'UTC');
    v_to := make_timestamptz(year + v_quarter / 4, 3 * (v_quarter % 4) + 1, 1, 0, 0, 0, 'UTC');
    RETURN QUERY
    SELECT c.*
    FROM anime.catalog AS c
    WHERE (
            c.year = season.year AND c.season = v_season
            OR c.season IS NULL AND c.aired_from >= v_from AND c.aired_from < v_to
        )
        AND (season.nsfw OR NOT c.is_nsfw)
        AND c.is_approved
        AND c.removed_at IS NULL
    ORDER BY c.members DESC NULLS LAST, c.mal_id;
END;
$$;

COMMENT ON FUNCTION anime.season(integer, text, boolean) IS
'Anime of a season (winter, spring, summer, fall) of `year` as rows of `anime.catalog`, most members
first: what premiered then, and films, OVA and ONA that began to air in its three months, by UTC.
Adult ones only with `nsfw`. The job sync_season keeps the current one.
Raises: 22023 (no such season or year).';

GRANT EXECUTE ON FUNCTION anime.season(integer, text, boolean) TO anime_reader;

COMMIT;
