-- Deploy pgjikan:functions/v4/list to pg
-- requires: functions/v4/write_rows
-- requires: functions/v4/fold
-- requires: functions/v4/errors

-- A page of a filtered and sorted list, and how long the whole list is. The length comes first,
-- from bitmaps: it says which way to the page is short. Where that looks at fewer rows than there
-- are in the list, the index of the order is walked until the page is full, but not for ever; else,
-- or when that found too few, all rows of a short list are fetched and sorted.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.v4_filter AS (
    all_tags integer [],
    any_tags integer [],
    none_tags integer [],
    score_from integer,
    score_to integer,
    aired_after date,
    aired_before date,
    season_to integer,
    anime_ids bigint []
);

COMMENT ON TYPE jikan_sync.v4_filter IS
'Which rows of `jikan.v4_row` a list holds: `all_tags` all of them, `any_tags` any, `none_tags`
none;
scores in hundredths; aired from `aired_after` on, to `aired_before` at most; of a season no later
than `season_to`; only among `anime_ids`. NULL: no matter.';

CREATE FUNCTION jikan_sync.v4_word_tag(kind text, word text)
RETURNS integer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT w.tag
        FROM jikan_sync.v4_word AS w
        WHERE w.kind = v4_word_tag.kind AND w.word = v4_word_tag.word
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_word_tag(text, text) IS 'The tag of a word; NULL where NULL.';

CREATE FUNCTION jikan_sync.v4_meanings(kind text, word text)
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT w.meaning
        FROM jikan_sync.v4_word AS w
        WHERE w.kind = v4_meanings.kind AND w.word = v4_meanings.word
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_meanings(text, text) IS
'What a word stands for, as a list of one, or of none.';

CREATE FUNCTION jikan_sync.v4_condition(filter jikan_sync.v4_filter)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN 'r.tags @> $1'
        || CASE WHEN cardinality(filter.any_tags) > 0 THEN ' AND r.tags && $2' ELSE '' END
        || CASE WHEN cardinality(filter.none_tags) > 0 THEN ' AND NOT r.tags && $3' ELSE '' END
        || CASE WHEN filter.score_from IS NOT NULL THEN ' AND r.score >= $4' ELSE '' END
        || CASE WHEN filter.score_to IS NOT NULL THEN ' AND r.score <= $5' ELSE '' END
        || CASE WHEN filter.aired_after IS NOT NULL THEN ' AND r.aired_from >= $6' ELSE '' END
        || CASE WHEN filter.aired_before IS NOT NULL THEN ' AND r.aired_to <= $7' ELSE '' END
        || CASE WHEN filter.season_to IS NOT NULL THEN ' AND r.season_key <= $8' ELSE '' END
        || CASE WHEN filter.anime_ids IS NOT NULL THEN ' AND r.anime_id = ANY ($9)' ELSE '' END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_condition(jikan_sync.v4_filter) IS
'The filter as SQL for a row `r`, with its fields as $1 to $9.';

CREATE FUNCTION jikan_sync.v4_count_rows(filter jikan_sync.v4_filter, slots integer[])
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM jikan.v4_row AS r WHERE '
        || jikan_sync.v4_condition(filter)
        || CASE WHEN slots IS NULL THEN '' ELSE ' AND r.slot = ANY ($10)' END
    INTO v_count
    USING filter.all_tags, filter.any_tags, filter.none_tags, filter.score_from, filter.score_to,
        filter.aired_after, filter.aired_before, filter.season_to, filter.anime_ids, slots;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_count_rows(jikan_sync.v4_filter, integer[]) IS
'How many rows the filter admits, of all or of those at `slots`, looking at each.';

CREATE FUNCTION jikan_sync.v4_range_bits(kind text, chunk integer, lower integer, upper integer)
RETURNS bit varying
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_none CONSTANT bit varying := B'0'::bit(16384);
    v_digits bit varying[];
    v_digit bit varying;
    v_rows bit varying;
    v_beyond bit varying := c_none;
    v_equal bit varying := ~c_none;
    v_base integer := jikan_sync.v4_tag(kind, 0);
BEGIN
    SELECT array_agg(coalesce(b.bits, c_none) ORDER BY d.place DESC), bit_or(b.bits)
    INTO v_digits, v_rows
    FROM generate_series(0, 15) AS d (place)
    LEFT JOIN jikan_sync.v4_bitmap AS b
        ON b.tag = v_base + d.place AND b.chunk = v4_range_bits.chunk;
    v_rows := coalesce(v_rows, c_none);
    -- From the first digit on: a number is larger once it has a 1 where the bound has a 0.
    IF lower > 1 THEN
        FOR v_place IN REVERSE 15..0 LOOP
            v_digit := v_digits[16 - v_place];
            IF (lower >> v_place) & 1 = 1 THEN
                v_equal := v_equal & v_digit;
            ELSE
                v_beyond := v_beyond | (v_equal & v_digit);
                v_equal := v_equal & ~v_digit;
            END IF;
        END LOOP;
        v_rows := v_beyond | v_equal;
    END IF;
    -- And smaller once it has a 0 where the bound has a 1.
    IF upper < 65535 THEN
        v_beyond := c_none;
        v_equal := ~c_none;
        FOR v_place IN REVERSE 15..0 LOOP
            v_digit := v_digits[16 - v_place];
            IF (upper >> v_place) & 1 = 1 THEN
                v_beyond := v_beyond | (v_equal & ~v_digit);
                v_equal := v_equal & v_digit;
            ELSE
                v_equal := v_equal & ~v_digit;
            END IF;
        END LOOP;
        v_rows := v_rows & (v_beyond | v_equal);
    END IF;
    RETURN v_rows;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_range_bits(text, integer, integer, integer) IS
'The rows of a chunk whose score, aired_from or aired_to, as a number from 1, is from `lower` to
`upper`.';

CREATE FUNCTION jikan_sync.v4_count(filter jikan_sync.v4_filter)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    c_size CONSTANT integer := 16384;
    v_all_count integer := (SELECT count(DISTINCT t.tag) FROM unnest(filter.all_tags) AS t (tag));
    v_changed integer[];
    v_count bigint := 0;
    v_chunk record;
    v_bits bit varying;
BEGIN
    IF filter.anime_ids IS NOT NULL OR filter.season_to IS NOT NULL THEN
        RETURN jikan_sync.v4_count_rows(filter, NULL);
    END IF;
    SELECT array_agg(DISTINCT c.slot)
    INTO v_changed
    FROM (SELECT l.slot FROM jikan_sync.v4_change AS l LIMIT 5001) AS c;
    IF cardinality(v_changed) > 5000 THEN
        RETURN jikan_sync.v4_count_rows(filter, NULL);
    END IF;

    FOR v_chunk IN
        SELECT
            b.chunk,
            bit_and(b.bits) FILTER (WHERE b.tag = ANY (filter.all_tags)) AS all_bits,
            bit_or(b.bits) FILTER (WHERE b.tag = ANY (filter.any_tags)) AS any_bits,
            bit_or(b.bits) FILTER (WHERE b.tag = ANY (filter.none_tags)) AS none_bits
        FROM jikan_sync.v4_bitmap AS b
        WHERE b.tag = ANY (filter.all_tags || filter.any_tags || filter.none_tags)
        GROUP BY b.chunk
        HAVING count(*) FILTER (WHERE b.tag = ANY (filter.all_tags)) = v_all_count
    LOOP
        v_bits := v_chunk.all_bits;
        IF cardinality(filter.any_tags) > 0 THEN
            CONTINUE WHEN v_chunk.any_bits IS NULL;
            v_bits := v_bits & v_chunk.any_bits;
        END IF;
        IF v_chunk.none_bits IS NOT NULL THEN
            v_bits := v_bits & ~v_chunk.none_bits;
        END IF;
        IF coalesce(filter.score_from, filter.score_to) IS NOT NULL THEN
            v_bits := v_bits & jikan_sync.v4_range_bits(
                'score', v_chunk.chunk,
                greatest(filter.score_from, 1), coalesce(filter.score_to, 65535)
            );
        END IF;
        IF filter.aired_after IS NOT NULL THEN
            v_bits := v_bits & jikan_sync.v4_range_bits(
                'aired_from', v_chunk.chunk, jikan_sync.v4_day(filter.aired_after), 65535
            );
        END IF;
        IF filter.aired_before IS NOT NULL THEN
            v_bits := v_bits & jikan_sync.v4_range_bits(
                'aired_to', v_chunk.chunk, 1, jikan_sync.v4_day(filter.aired_before)
            );
        END IF;
        v_count := v_count + bit_count(v_bits);
        -- What changed since is counted as it is now, and no longer as it was.
        IF v_changed IS NOT NULL THEN
            v_count := v_count - (
                SELECT coalesce(sum(get_bit(v_bits, c.slot % c_size)), 0)
                FROM unnest(v_changed) AS c (slot)
                WHERE c.slot / c_size = v_chunk.chunk
            );
        END IF;
    END LOOP;
    IF v_changed IS NOT NULL THEN
        v_count := v_count + jikan_sync.v4_count_rows(filter, v_changed);
    END IF;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_count(jikan_sync.v4_filter) IS
'How many rows the filter admits, exactly: `all_tags` must hold at least one tag.';

CREATE FUNCTION jikan_sync.v4_page(
    filter jikan_sync.v4_filter,
    order_column text,
    is_descending boolean,
    total bigint,
    max_rows integer,
    skip bigint,
    OUT anime_ids bigint[],
    OUT version text
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    c_ascending CONSTANT text[] := '{mal_id,title,rank,popularity}';
    c_few CONSTANT integer := 2500;
    v_page CONSTANT text :=
        'SELECT array_agg(p.anime_id), string_agg(p.version::text, '','') FROM (%s) AS p';
    v_rows text;
    v_order text;
    v_reach double precision;
BEGIN
    anime_ids := '{}';
    version := '';
    IF skip >= total THEN
        RETURN;
    END IF;
    v_order := format(
        'ORDER BY r.%I %s NULLS LAST, r.mal_id LIMIT $10 OFFSET $11',
        order_column, CASE WHEN is_descending THEN 'DESC' ELSE 'ASC' END
    );
    IF order_column = 'mal_id' AND NOT is_descending
        OR order_column <> 'mal_id' AND is_descending <> (order_column = ANY (c_ascending))
    THEN
        -- So far the index of the order is read until the page is full, if titles are spread
        -- evenly in it. Where that is less than to look at all of them, as far as four times it.
        v_reach := (skip + max_rows)::double precision * greatest(
            total, (SELECT c.reltuples FROM pg_class AS c WHERE c.oid = 'jikan.v4_row'::regclass)
        ) / total;
        IF v_reach <= 2.0 * total THEN
            EXECUTE format(
                v_page,
                format(
                    'SELECT r.anime_id, r.version FROM ('
                    'SELECT r.* FROM jikan.v4_row AS r'
                    ' ORDER BY r.%I %s NULLS LAST, r.mal_id LIMIT $12) AS r WHERE %s %s',
                    order_column, CASE WHEN is_descending THEN 'DESC' ELSE 'ASC' END,
                    jikan_sync.v4_condition(filter), v_order
                )
            )
            INTO anime_ids, version
            USING filter.all_tags, filter.any_tags, filter.none_tags, filter.score_from,
                filter.score_to, filter.aired_after, filter.aired_before, filter.season_to,
                filter.anime_ids, max_rows, skip, least(4 * v_reach + 100, 2e9)::bigint;
            IF cardinality(anime_ids) = least(max_rows, total - skip) THEN
                RETURN;
            END IF;
        END IF;
    END IF;
    IF total <= c_few THEN
        v_rows := format(
            'WITH r AS MATERIALIZED ('
            'SELECT r.anime_id, r.version, r.mal_id%s FROM jikan.v4_row AS r WHERE %s'
            ') SELECT r.anime_id, r.version FROM r %s',
            CASE WHEN order_column = 'mal_id' THEN '' ELSE format(', r.%I', order_column) END,
            jikan_sync.v4_condition(filter), v_order
        );
    ELSIF is_descending = (order_column = ANY (c_ascending)) AND order_column <> 'mal_id' THEN
        -- The index has it the other way round, so its end without NULLs is read backwards.
        EXECUTE format(
            v_page,
            format(
                'SELECT r.anime_id, r.version FROM jikan.v4_row AS r'
                ' WHERE %s AND r.%I IS NOT NULL ORDER BY r.%2$I %s, r.mal_id LIMIT $10 OFFSET $11',
                jikan_sync.v4_condition(filter), order_column,
                CASE WHEN is_descending THEN 'DESC NULLS FIRST' ELSE 'ASC NULLS FIRST' END
            )
        )
        INTO anime_ids, version
        USING filter.all_tags, filter.any_tags, filter.none_tags, filter.score_from,
            filter.score_to, filter.aired_after, filter.aired_before, filter.season_to,
            filter.anime_ids, max_rows, skip;
        IF cardinality(anime_ids) = least(max_rows, total - skip) THEN
            RETURN;
        END IF;
        v_rows := NULL;
    END IF;
    v_rows := coalesce(
        v_rows,
        format(
            'SELECT r.anime_id, r.version FROM jikan.v4_row AS r WHERE %s %s',
            jikan_sync.v4_condition(filter), v_order
        )
    );
    EXECUTE format(v_page, v_rows)
    INTO anime_ids, version
    USING filter.all_tags, filter.any_tags, filter.none_tags, filter.score_from, filter.score_to,
        filter.aired_after, filter.aired_before, filter.season_to, filter.anime_ids, max_rows, skip;
    anime_ids := coalesce(anime_ids, '{}');
    version := coalesce(version, '');
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_page(
    jikan_sync.v4_filter, text, boolean, bigint, integer, bigint
) IS
'The anime of a page of a list of `total` rows, in order, NULLs last and ties by mal_id, and their
versions in one text.';

CREATE FUNCTION jikan_sync.v4_documents(anime_ids bigint[])
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN (
        SELECT coalesce(string_agg(r.document, ',' ORDER BY p.place), '')
        FROM unnest(v4_documents.anime_ids) WITH ORDINALITY AS p (anime_id, place)
        INNER JOIN jikan.v4_row AS r ON r.anime_id = p.anime_id
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_documents(bigint[]) IS
'The Anime objects of these anime, in this order, between commas.';

CREATE FUNCTION jikan_sync.v4_pagination(
    total bigint, page integer, max_rows integer, row_count integer
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        format(
            '{"last_visible_page":%s,"has_next_page":%s,"current_page":%s,'
            '"items":{"count":%s,"total":%s,"per_page":%s}}',
            greatest(
                (v4_pagination.total + v4_pagination.max_rows - 1) / v4_pagination.max_rows, 1
            ),
            CASE
                WHEN v4_pagination.page::bigint * v4_pagination.max_rows < v4_pagination.total
                    THEN 'true'
                ELSE 'false'
            END,
            v4_pagination.page,
            v4_pagination.row_count,
            v4_pagination.total,
            v4_pagination.max_rows
        );
END;

COMMENT ON FUNCTION jikan_sync.v4_pagination(bigint, integer, integer, integer) IS
'Jikan''s pagination object of a list.';

CREATE FUNCTION jikan_sync.v4_finish(
    request jikan_sync.v4_request,
    total bigint,
    page integer,
    max_rows integer,
    anime_ids bigint[],
    row_versions text
)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer jikan_sync.v4_answer;
    v_pagination text;
BEGIN
    v_pagination := jikan_sync.v4_pagination(total, page, max_rows, cardinality(anime_ids));
    v_answer.version := md5(v_pagination || row_versions);
    v_answer.anime_ids := anime_ids;
    IF v_answer.version = ANY (request.known) THEN
        v_answer.status := 304;
        RETURN v_answer;
    END IF;
    v_answer.status := 200;
    v_answer.body := '{"pagination":' || v_pagination || ',"data":['
        || jikan_sync.v4_documents(anime_ids) || ']}';
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_finish(
    jikan_sync.v4_request, bigint, integer, integer, bigint[], text
) IS
'The answer that a page of anime is; 304, without reading a document, where the asker has it.';

CREATE FUNCTION jikan_sync.v4_filter(request jikan_sync.v4_request, is_approved_only boolean)
RETURNS jikan_sync.v4_filter
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_all CONSTANT integer := 20000401;
    c_approved CONSTANT integer := 20000402;
    c_adult CONSTANT integer := 20000403;
    c_kids CONSTANT integer := 20000404;
    p jsonb := request.parameters;
    f jikan_sync.v4_filter;
BEGIN
    f.all_tags := ARRAY[c_all];
    f.any_tags := '{}';
    f.none_tags := '{}';
    IF is_approved_only AND NOT coalesce((p ->> 'unapproved')::boolean, false) THEN
        f.all_tags := f.all_tags || c_approved;
    END IF;
    IF (p ->> 'sfw')::boolean THEN
        f.none_tags := f.none_tags || c_adult;
    END IF;
    IF (p ->> 'kids')::boolean THEN
        f.all_tags := f.all_tags || c_kids;
    ELSIF p ? 'kids' THEN
        f.none_tags := f.none_tags || c_kids;
    END IF;
    IF p ? 'type' THEN
        f.all_tags := f.all_tags || jikan_sync.v4_word_tag('type', p ->> 'type');
    END IF;
    IF p ? 'status' THEN
        f.all_tags := f.all_tags || jikan_sync.v4_word_tag('status', p ->> 'status');
    END IF;
    IF p ? 'rating' THEN
        f.all_tags := f.all_tags || jikan_sync.v4_word_tag('rating', p ->> 'rating');
    END IF;
    IF p ? 'letter' THEN
        f.all_tags := f.all_tags || jikan_sync.v4_tag('letter', ascii(lower(p ->> 'letter')));
    END IF;
    IF p ? 'genres' THEN
        f.all_tags := f.all_tags || ARRAY(
            SELECT DISTINCT jikan_sync.v4_tag('genre', i.id::integer)
            FROM jsonb_array_elements_text(p -> 'genres') AS i (id)
        );
    END IF;
    IF p ? 'genres_exclude' THEN
        f.none_tags := f.none_tags || ARRAY(
            SELECT DISTINCT jikan_sync.v4_tag('genre', i.id::integer)
            FROM jsonb_array_elements_text(p -> 'genres_exclude') AS i (id)
        );
    END IF;
    IF p ? 'producers' THEN
        f.any_tags := ARRAY(
            SELECT DISTINCT jikan_sync.v4_tag('producer', i.id::integer)
            FROM jsonb_array_elements_text(p -> 'producers') AS i (id)
        );
    END IF;
    IF p ? 'score' THEN
        f.score_from := ceil((p ->> 'score')::numeric * 100);
        f.score_to := floor((p ->> 'score')::numeric * 100);
    ELSE
        f.score_from := ceil((p ->> 'min_score')::numeric * 100);
        f.score_to := floor((p ->> 'max_score')::numeric * 100);
    END IF;
    -- From 0 on is no condition on those that have a score; none at all on the others.
    IF f.score_from <= 0 THEN
        f.score_from := NULL;
    END IF;
    f.aired_after := (p ->> 'start_date')::date;
    f.aired_before := (p ->> 'end_date')::date;
    RETURN f;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_filter(jikan_sync.v4_request, boolean) IS
'The filter that the parameters of a request say; `is_approved_only`: unless it asks for unapproved
ones, only what MyAnimeList has approved.';

CREATE FUNCTION jikan_sync.v4_list(
    request jikan_sync.v4_request,
    filter jikan_sync.v4_filter,
    order_column text,
    is_descending boolean
)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_page integer := coalesce((request.parameters ->> 'page')::integer, 1);
    v_limit integer := coalesce((request.parameters ->> 'limit')::integer, 25);
    v_total bigint := jikan_sync.v4_count(filter);
    v_found record;
BEGIN
    v_found := jikan_sync.v4_page(
        filter, order_column, is_descending, v_total, v_limit, (v_page - 1)::bigint * v_limit
    );
    RETURN jikan_sync.v4_finish(
        request, v_total, v_page, v_limit, v_found.anime_ids, v_found.version
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_list(
    jikan_sync.v4_request, jikan_sync.v4_filter, text, boolean
) IS
'The page of a filtered list that a request asks for.';

COMMIT;
