-- Deploy pgjikan:functions/upstream/request_path to pg
-- requires: schema/facet
-- requires: schema/setting

-- What is asked of an upstream for a task: the sidecar only opens the socket.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.url_encode(value text)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        string_agg(
            CASE
                WHEN c.letter ~ '^[A-Za-z0-9_.~-]$' THEN c.letter
                ELSE upper(
                    regexp_replace(
                        encode(convert_to(c.letter, 'UTF8'), 'hex'), '(..)', '%\1', 'g'
                    )
                )
            END,
            ''
            ORDER BY c.place
        )
    FROM regexp_split_to_table(url_encode.value, '') WITH ORDINALITY AS c (letter, place);
END;

COMMENT ON FUNCTION jikan_sync.url_encode(text) IS
'A text as a part of a URL (RFC 3986): all but unreserved characters percent-encoded, as UTF-8.';

CREATE FUNCTION jikan_sync.request_path(task text, mal_id integer, payload jsonb)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_list CONSTANT text := 'limit=25&page=';
    v_page integer := coalesce((payload ->> 'page')::integer, 1);
    v_season text := payload ->> 'season';
    v_facet jikan_sync.facet;
BEGIN
    CASE task
        WHEN 'search' THEN
            RETURN '/anime?q=' || jikan_sync.url_encode(payload ->> 'query') || '&' || c_list || v_page;
        WHEN 'catalogue' THEN
            RETURN '/anime?order_by=mal_id&sort=asc&' || c_list || v_page;
        WHEN 'recommendations' THEN
            RETURN '/recommendations/anime?page=' || v_page;
        WHEN 'season' THEN
            -- All that airs: season pages leave the long runners out.
            IF v_season = 'airing' THEN
                RETURN '/anime?status=airing&order_by=mal_id&sort=asc&' || c_list || v_page;
            END IF;
            RETURN '/seasons/' || coalesce((payload ->> 'year') || '/', '') || v_season || '?'
                || c_list || v_page;
        ELSE
            SELECT f.* INTO v_facet
            FROM jikan_sync.facet AS f
            WHERE f.name = CASE task WHEN 'anime' THEN 'core' ELSE payload ->> 'facet' END;
            RETURN replace(v_facet.path, '{id}', mal_id::text)
                || CASE
                    WHEN NOT v_facet.is_paged THEN ''
                    WHEN v_facet.path LIKE '%?%' THEN '&page=' || v_page
                    ELSE '?page=' || v_page
                END;
    END CASE;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_path(text, integer, jsonb) IS
'Path and query, below a provider''s base URL, that a task of lane jikan asks for; NULL where the
task lacks what it would ask for (its facet is gone).';

COMMIT;
