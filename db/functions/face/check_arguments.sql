-- Deploy pgjikan:functions/face/check_arguments to pg
-- requires: schema/namespaces

-- What every function of the face refuses, in the same words.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.check_max_rows(max_rows integer)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format(
                'max_rows must be from 1 to 100, not %s', coalesce(max_rows::text, 'NULL')
            ),
            HINT = 'For whole lists read the view anime.catalog.';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_max_rows(integer) IS
'Refuses a number of rows that is not 1 to 100. Raises: 22023.';

CREATE FUNCTION jikan_sync.check_search(
    max_rows integer,
    year_from integer,
    year_to integer,
    min_score double precision
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM jikan_sync.check_max_rows(max_rows);
    IF year_from > year_to THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('year_from (%s) is after year_to (%s)', year_from, year_to),
            HINT = 'Swap them.';
    END IF;
    IF min_score NOT BETWEEN 0 AND 10 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('min_score must be from 0 to 10, not %s', min_score),
            HINT = 'MyAnimeList scores run from 1 to 10.';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_search(integer, integer, integer, double precision) IS
'Refuses arguments of the face that cannot be meant. Raises: 22023.';

CREATE FUNCTION jikan_sync.check_mal_id(mal_id integer)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF mal_id IS NULL OR mal_id < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format(
                'mal_id must be a positive integer, not %s', coalesce(mal_id::text, 'NULL')
            ),
            HINT = 'It is the number in https://myanimelist.net/anime/NUMBER.';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_mal_id(integer) IS
'Refuses an id that cannot be one. Raises: 22023.';

CREATE FUNCTION jikan_sync.check_mal_ids(
    mal_ids integer[], name text, max_count integer DEFAULT 1000
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF mal_ids IS NULL OR cardinality(mal_ids) > max_count
        OR EXISTS (SELECT FROM unnest(mal_ids) AS m (mal_id) WHERE m.mal_id IS NULL OR m.mal_id < 1)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('%s must be positive integers, at most %s of them', name, max_count),
            HINT = 'A mal_id is the number in https://myanimelist.net/anime/NUMBER.';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_mal_ids(integer[], text, integer) IS
'Refuses ids that cannot be meant, in the argument `name`. Raises: 22023.';

COMMIT;
