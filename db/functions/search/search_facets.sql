-- Deploy pgjikan:functions/search/search_facets to pg
-- requires: functions/search/search_hits

-- What an app offers to narrow a search by: how many of its hits are of each type, year, status and
-- genre. Counted over the hits themselves, so what is counted is what is found.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.search_facets(
    query text,
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score double precision DEFAULT NULL,
    nsfw boolean DEFAULT FALSE
)
RETURNS TABLE (facet text, value text, count bigint)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
ROWS 60
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_most CONSTANT integer := 100;
    v_found record;
BEGIN
    v_found := jikan_sync.search_hits(
        query,
        c_most,
        jikan_sync.make_filter(types, statuses, genres, year_from, year_to, min_score, nsfw)
    );
    RETURN QUERY
    SELECT f.facet, f.value, count(*)
    FROM unnest(v_found.hits) AS h
    INNER JOIN jikan_sync.findable AS a ON a.id = h.anime_id
    CROSS JOIN LATERAL (
        VALUES (1, 'type', a.type), (2, 'year', a.year::text), (3, 'status', a.status)
        UNION ALL
        SELECT 4, 'genre', g.name
        FROM unnest(a.genre_names) AS g (name)
    ) AS f (place, facet, value)
    WHERE f.value IS NOT NULL
    GROUP BY f.place, f.facet, f.value
    ORDER BY f.place, count(*) DESC, f.value;
END;
$$;

COMMENT ON FUNCTION anime.search_facets(
    text, text[], text[], text[], integer, integer, double precision, boolean
) IS
'How many hits of a search have each `value` of the facets type, year, status and genre (values as
the filters of `anime.search` take them), most first. The hits are those of `anime.search_cached`
with the same filters and `max_rows` => 100: what more there is, is not counted, nor what is not
known of a hit. Writes nothing, asks nobody. Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.search_facets(
    text, text[], text[], text[], integer, integer, double precision, boolean
) TO anime_reader;

COMMIT;
