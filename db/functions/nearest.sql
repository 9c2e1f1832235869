-- Deploy pgjikan:functions/nearest to pg
-- requires: functions/active_model_id
-- requires: functions/index_franchises
-- requires: schema/embedding

-- The one way from a vector to titles. Nearest first, then filters, franchises and credit for score
-- and popularity; where too few are left the search goes deeper, and at last looks at every title
-- that passes the filters, so that a filter never costs rows. On a small table "nearest" is an
-- exact sort, on a large one an HNSW index; the statement is the same and PostgreSQL chooses. It
-- names the active model's partition, since a generic plan with the model as a parameter could use
-- no index.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, description)
VALUES
(
    'recommend_score_weight',
    '0.12',
    'number',
    'What ten points of score are worth in a recommendation, in cosine similarity; 0: nothing.'
),
(
    'recommend_popularity_weight',
    '0.12',
    'number',
    'What a million members are worth in a recommendation (by their logarithm); 0: nothing.'
),
(
    'recommend_genre_weight',
    '0.15',
    'number',
    'What the same genres, themes and demographics are worth in a recommendation, in cosine '
    'similarity; half of them, half; 0: nothing.'
),
(
    'recommend_dislike_weight',
    '0.3',
    'number',
    'What likeness to a disliked title costs, as a share of what likeness to a liked one gains.'
);

CREATE FUNCTION jikan_sync.vector_schema()
RETURNS name
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT n.nspname
    FROM pg_catalog.pg_extension AS e
    INNER JOIN pg_catalog.pg_namespace AS n ON e.extnamespace = n.oid
    WHERE e.extname = 'vector';
END;

COMMENT ON FUNCTION jikan_sync.vector_schema() IS
'Where pgvector lives, for statements made at run time.';

CREATE FUNCTION jikan_sync.genre_overlap(one text[], other text[])
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        s.shared::double precision
        / nullif(cardinality(genre_overlap.one) + cardinality(genre_overlap.other) - s.shared, 0)
    FROM (
        SELECT count(*) AS shared
        FROM unnest(genre_overlap.one) AS g (name)
        WHERE g.name = any(genre_overlap.other)
    ) AS s;
END;

COMMENT ON FUNCTION jikan_sync.genre_overlap(text[], text[]) IS
'Genres in both lists as a share of those in either (Jaccard), 0 to 1; NULL where there are none.';

CREATE FUNCTION jikan_sync.nearest(
    probes halfvec[],
    mean halfvec,
    against halfvec[],
    liked bigint[],
    max_rows integer,
    without bigint[],
    with_franchise boolean,
    types text[],
    statuses text[],
    genres text[],
    year_from integer,
    year_to integer,
    min_score double precision,
    nsfw boolean
)
RETURNS TABLE (anime_id bigint, similarity real, rank real)
LANGUAGE plpgsql
STABLE
ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_statement CONSTANT text := $sql$
        WITH taste AS MATERIALIZED (
            SELECT a.genre_names FROM jikan.anime AS a WHERE a.id = ANY ($19)
        ),

        candidate AS MATERIALIZED (
            SELECT a.id, a.mal_id, a.title, a.title_english, a.genre_names, a.score, a.members
            FROM %3$s AS n
            INNER JOIN jikan.anime AS a ON a.id = n.anime_id
            WHERE a.embedding_hash = n.input_hash
                AND a.removed_at IS NULL
                AND a.id <> ALL ($5)
                AND ($7 IS NULL OR a.type = ANY ($7))
                AND ($8 IS NULL OR a.status = ANY ($8))
                AND ($9 IS NULL OR a.genre_names @> $9)
                AND ($10 IS NULL OR a.year >= $10)
                AND ($11 IS NULL OR a.year <= $11)
                AND ($12 IS NULL OR a.score >= $12)
                AND ($13 OR NOT a.is_nsfw)
            ORDER BY n.distance
            LIMIT $14
        ),

        scored AS (
            SELECT
                c.id,
                c.mal_id,
                c.title,
                c.title_english,
                l.similarity,
                0.75 * l.similarity
                    - 0.25 * (e.embedding OPERATOR(%1$I.<#>) coalesce($2, ($1)[1]))
                    - $15 * greatest(d.similarity, 0)
                    + $20 * coalesce(o.overlap, 0)
                    + $16 * coalesce(c.score - 6.5, 0) / 10
                    + $17 * ln(coalesce(c.members, 0) + 1) / ln(1000000) AS rank
            FROM candidate AS c
            INNER JOIN %2$s AS e ON e.anime_id = c.id
            CROSS JOIN LATERAL (
                SELECT max(-(e.embedding OPERATOR(%1$I.<#>) p.probe)) AS similarity
                FROM unnest($1) AS p (probe)
            ) AS l
            CROSS JOIN LATERAL (
                SELECT max(-(e.embedding OPERATOR(%1$I.<#>) p.probe)) AS similarity
                FROM unnest($3) AS p (probe)
            ) AS d
            CROSS JOIN LATERAL (
                SELECT max(jikan_sync.genre_overlap(c.genre_names, t.genre_names)) AS overlap
                FROM taste AS t
            ) AS o
        ),

        grouped AS (
            SELECT
                s.*,
                f.franchise_id,
                CASE WHEN NOT $6 THEN jikan_sync.title_stem(s.title) END AS stem,
                CASE
                    WHEN NOT $6
                        THEN jikan_sync.title_words(concat_ws(' / ', s.title, s.title_english))
                END AS words
            FROM (SELECT r.* FROM scored AS r ORDER BY r.rank DESC, r.id LIMIT $18) AS s
            LEFT JOIN jikan.franchise AS f ON f.mal_id = s.mal_id
        ),

        own AS (
            SELECT
                f.franchise_id,
                jikan_sync.title_stem(t.title) AS stem,
                jikan_sync.title_words(jikan_sync.title_stem(t.title)) AS words
            FROM jikan.anime AS a
            LEFT JOIN jikan.franchise AS f ON f.mal_id = a.mal_id
            CROSS JOIN LATERAL (VALUES (a.title), (a.title_english)) AS t (title)
            WHERE NOT $6
                AND a.id = ANY ($5)
        ),

        numbered AS (
            SELECT
                g.*,
                row_number() OVER (
                    PARTITION BY coalesce(g.franchise_id, -g.mal_id) ORDER BY g.rank DESC, g.id
                ) AS franchise_number,
                row_number() OVER (PARTITION BY g.stem ORDER BY g.rank DESC, g.id) AS stem_number
            FROM grouped AS g
            WHERE $6
                OR NOT EXISTS (SELECT FROM own AS o WHERE o.franchise_id = g.franchise_id)
                AND NOT EXISTS (
                    SELECT FROM own AS o
                    WHERE o.stem = g.stem
                        OR length(o.words) >= 8 AND strpos(g.words, o.words) > 0
                )
        ),

        best AS (
            SELECT n.id, n.similarity, n.rank
            FROM numbered AS n
            WHERE $6
                OR n.franchise_number = 1 AND n.stem_number = 1
            ORDER BY n.rank DESC, n.id
            LIMIT $4
        )

        SELECT
            array_agg(b.id ORDER BY b.rank DESC, b.id),
            array_agg(b.similarity::real ORDER BY b.rank DESC, b.id),
            array_agg(b.rank::real ORDER BY b.rank DESC, b.id)
        FROM best AS b
    $sql$;
    -- The expression of the index, if there is one: `jikan_sync.maintain_vector_index`.
    c_near CONSTANT text := $sql$
        (
            SELECT x.anime_id, x.input_hash, min(x.distance) AS distance
            FROM unnest($1) AS p (probe)
            CROSS JOIN LATERAL (
                SELECT
                    e.anime_id,
                    e.input_hash,
                    e.embedding::%1$I.halfvec(%3$s)
                        OPERATOR(%1$I.<#>) p.probe::%1$I.halfvec(%3$s) AS distance
                FROM %2$s AS e
                ORDER BY distance
                LIMIT %4$s
            ) AS x
            GROUP BY x.anime_id, x.input_hash
        )
    $sql$;
    -- Without an index one scan does for all probes; without a limit the filters may come first.
    c_scan CONSTANT text :=
        '(SELECT e.anime_id, e.input_hash, least(%s) AS distance FROM %s AS e %s)';
    v_model jikan.embedding_model;
    v_vector name := jikan_sync.vector_schema();
    v_partition text;
    v_genres text[] := (SELECT array_agg(lower(g.name)) FROM unnest(genres) AS g (name));
    v_dislike_weight double precision := jikan_sync.setting_number('recommend_dislike_weight');
    v_score_weight double precision := jikan_sync.setting_number('recommend_score_weight');
    v_members_weight double precision := jikan_sync.setting_number('recommend_popularity_weight');
    v_genre_weight double precision := jikan_sync.setting_number('recommend_genre_weight');
    v_scan text := current_setting('hnsw.iterative_scan', true);
    v_ef_search text := current_setting('hnsw.ef_search', true);
    v_is_indexed boolean;
    v_least text;
    v_depth integer;
    v_pool integer;
    v_told integer;
    v_ids bigint[];
    v_similarities real[];
    v_ranks real[];
BEGIN
    SELECT m.* INTO v_model FROM jikan.embedding_model AS m WHERE m.status = 'active';
    IF NOT FOUND OR probes IS NULL THEN
        RETURN;
    END IF;
    v_partition := format('jikan.%I', 'embedding_' || v_model.id);
    v_is_indexed := to_regclass(format('jikan.embedding_%s_hnsw_idx', v_model.id)) IS NOT NULL;
    v_least := (
        SELECT string_agg(format('e.embedding OPERATOR(%I.<#>) ($1)[%s]', v_vector, i.i), ', ')
        FROM generate_subscripts(probes, 1) AS i (i)
    );
    -- A clause of the function would do, but may not name what a fresh session has not loaded yet.
    PERFORM set_config('hnsw.iterative_scan', 'relaxed_order', true);
    FOREACH v_depth IN ARRAY
        CASE
            WHEN v_is_indexed
                THEN
                    greatest(1000 / cardinality(probes), 200)
                    || ARRAY[greatest(1000 / cardinality(probes), 200), 20000, NULL]
            ELSE ARRAY[1000, 1000, NULL]
        END
    LOOP
        PERFORM set_config('hnsw.ef_search', least(v_depth, 1000)::text, true);
        -- Of what franchise a title is, is dear to tell and mostly asked of few: at first of these.
        v_told := CASE WHEN v_pool IS NULL THEN greatest(40, 3 * max_rows) END;
        v_pool := CASE WHEN v_told IS NULL THEN v_depth ELSE greatest(200, 5 * max_rows) END;
        EXECUTE format(
            c_statement, v_vector, v_partition,
            CASE
                WHEN v_is_indexed AND v_depth IS NOT NULL
                    THEN format(c_near, v_vector, v_partition, v_model.dimensions, v_depth)
                ELSE format(
                    c_scan, v_least, v_partition,
                    CASE WHEN v_depth IS NOT NULL THEN 'ORDER BY distance LIMIT ' || v_depth END
                )
            END
        )
        INTO v_ids, v_similarities, v_ranks
        USING probes, mean, against, max_rows, without, with_franchise, types, statuses, v_genres,
            year_from, year_to, min_score, nsfw, v_pool, v_dislike_weight, v_score_weight,
            v_members_weight, v_told, liked[1:10], v_genre_weight;
        EXIT WHEN cardinality(v_ids) = max_rows;
    END LOOP;
    PERFORM set_config('hnsw.iterative_scan', coalesce(nullif(v_scan, ''), 'off'), true);
    PERFORM set_config('hnsw.ef_search', coalesce(nullif(v_ef_search, ''), '40'), true);
    RETURN QUERY
    SELECT n.anime_id, n.similarity, n.rank
    FROM unnest(v_ids, v_similarities, v_ranks) AS n (anime_id, similarity, rank);
END;
$$;

COMMENT ON FUNCTION jikan_sync.nearest(
    halfvec[], halfvec, halfvec[], bigint[], integer, bigint[], boolean, text[], text[], text[],
    integer, integer, double precision, boolean
) IS
'The titles nearest to any of `probes` (mostly) and to all of them (`mean`), and not near
`against`, best first: vectors of the active model, of length 1 but for the mean (NULL: one probe
is all). Of the anime `liked` the genres of the first ten count. Without those in `without` and,
unless `with_franchise`, without their franchises and with one title of each other.';

COMMIT;
