-- Deploy pgjikan:functions/face/check_arguments to pg
-- requires: schema/namespaces

-- What every function of the face refuses, in the same words.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.check_max_rows(max_rows integer)
RETURNS boolean
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
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_max_rows(integer) IS
'Refuses a number of rows that is not 1 to 100; true for others. Raises: 22023.';

CREATE FUNCTION jikan_sync.proper_names(names text[], known text[])
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(array_agg(coalesce(k.name, n.name)), '{}')
    FROM unnest(proper_names.names) AS n (name)
    LEFT JOIN unnest(proper_names.known) AS k (name) ON lower(n.name) = lower(k.name);
END;

COMMENT ON FUNCTION jikan_sync.proper_names(text[], text[]) IS
'`names` in any case as `known` spells them; an unknown one as it is.';

CREATE FUNCTION jikan_sync.known_types()
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_to_array('TV,Movie,OVA,ONA,Special,TV Special,Music,CM,PV,Unknown', ',');
END;

COMMENT ON FUNCTION jikan_sync.known_types() IS
'The types of anime, as Jikan spells them.';

CREATE FUNCTION jikan_sync.known_statuses()
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT ARRAY['Finished Airing', 'Currently Airing', 'Not yet aired'];
END;

COMMENT ON FUNCTION jikan_sync.known_statuses() IS
'The statuses of anime, as Jikan spells them.';

CREATE FUNCTION jikan_sync.check_names(argument text, names text[], known text[])
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wrong text;
BEGIN
    IF names IS NULL OR names <@ known THEN
        RETURN;
    END IF;
    SELECT coalesce(n.name, 'NULL') INTO v_wrong
    FROM unnest(jikan_sync.proper_names(names, known)) AS n (name)
    WHERE n.name <> ALL (known) IS NOT FALSE
    LIMIT 1;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('%s cannot be %L', argument, left(v_wrong, 100)),
            HINT = 'There are ' || array_to_string(known, ', ') || '.';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_names(text, text[], text[]) IS
'Refuses names, in any case, that are not among the known. Raises: 22023.';

CREATE FUNCTION jikan_sync.check_search(
    max_rows integer,
    year_from integer,
    year_to integer,
    min_score double precision,
    types text[],
    statuses text[]
)
RETURNS boolean
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
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
    IF types IS NOT NULL THEN
        PERFORM jikan_sync.check_names('types', types, jikan_sync.known_types());
    END IF;
    IF statuses IS NOT NULL THEN
        PERFORM jikan_sync.check_names('statuses', statuses, jikan_sync.known_statuses());
    END IF;
    RETURN jikan_sync.check_max_rows(max_rows);
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_search(
    integer, integer, integer, double precision, text[], text[]
) IS
'Refuses arguments of the face that cannot be meant; true for others. Called in an IF,
since PERFORM takes ten times as long. Raises: 22023.';

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
