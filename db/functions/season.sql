-- Deploy pgjikan:functions/season to pg
-- requires: schema/catalog

-- A season's anime, most watched first, as MyAnimeList's season page has them.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.season(year integer, season text)
RETURNS SETOF anime.catalog
LANGUAGE plpgsql
STABLE
ROWS 200
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF season IS NULL OR lower(season) NOT IN ('winter', 'spring', 'summer', 'fall') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('season must be winter, spring, summer or fall, not %L', season),
            HINT = 'Winter starts in January, spring in April, summer in July, fall in October.';
    END IF;
    RETURN QUERY
    SELECT c.*
    FROM anime.catalog AS c
    WHERE c.year = season.year
        AND c.season = lower(season.season)
        AND c.removed_at IS NULL
    ORDER BY c.members DESC NULLS LAST, c.mal_id;
END;
$$;

COMMENT ON FUNCTION anime.season(integer, text) IS
'Anime of a season (winter, spring, summer, fall) of `year` as rows of `anime.catalog`, most members
first. The job sync_season keeps the current one. Raises: 22023 (no such season).';

GRANT EXECUTE ON FUNCTION anime.season(integer, text) TO anime_reader;

COMMIT;
