-- Deploy pgjikan:functions/recommend/trait_vector to pg
-- requires: schema/neighbour

-- What two titles have in common by their facts, as the inner product of two sparse vectors: one
-- operator of pgvector does for genres by rarity, studios, type, source and age rating, where
-- comparing lists would take ten times as long.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.trait_vector(
    genre_names text[],
    studio_names text[],
    type text,
    source text,
    rating text,
    genre_weight double precision DEFAULT 1,
    rare_genre_weight double precision DEFAULT 1,
    studio_weight double precision DEFAULT 1,
    type_weight double precision DEFAULT 1,
    source_weight double precision DEFAULT 1,
    rating_weight double precision DEFAULT 1
)
RETURNS sparsevec
LANGUAGE sql
STABLE
BEGIN ATOMIC
    WITH genre AS (
        SELECT
            g.name,
            -- As common as one in twenty, while nobody has counted.
            coalesce(t.rarity, 3)::double precision AS rarity
        FROM (
            SELECT DISTINCT n.name FROM unnest(trait_vector.genre_names) AS n (name)
        ) AS g
        LEFT JOIN jikan_sync.trait AS t ON t.kind = 'genre' AND g.name = t.name
    ),

    element AS (
        SELECT
            'genre:' || g.name AS name,
            trait_vector.genre_weight * g.rarity
            / sqrt(nullif(sum(g.rarity * g.rarity) OVER (), 0)) AS value
        FROM genre AS g
        UNION ALL
        SELECT
            'rare:' || g.name,
            trait_vector.rare_genre_weight * sqrt(g.rarity)
        FROM genre AS g
        UNION ALL
        SELECT
            'studio:' || s.name,
            trait_vector.studio_weight * sqrt(coalesce(t.rarity, 0.3))
        FROM unnest(trait_vector.studio_names) AS s (name)
        LEFT JOIN jikan_sync.trait AS t ON t.kind = 'studio' AND s.name = t.name
        UNION ALL
        SELECT
            f.name,
            f.value
        FROM (
            VALUES
            ('type:' || trait_vector.type, trait_vector.type_weight),
            (
                'source:' || nullif(trait_vector.source, 'Unknown'),
                trait_vector.source_weight
            ),
            (
                'rating:' || split_part(trait_vector.rating, ' ', 1),
                trait_vector.rating_weight
            )
        ) AS f (name, value)
        WHERE f.name IS NOT NULL
    )

    SELECT
        (
            '{' || coalesce(string_agg(e.place || ':' || e.value, ','), '') || '}/1000000000'
        )::sparsevec
    FROM (
        SELECT
            1 + (hashtext(p.name) & 2147483647) % 1000000000 AS place,
            sum(p.value)::real AS value
        FROM element AS p
        WHERE p.value > 0
        GROUP BY place
    ) AS e;
END;

COMMENT ON FUNCTION jikan_sync.trait_vector(
    text[], text[], text, text, text, double precision, double precision, double precision,
    double precision, double precision, double precision
) IS
'The traits of an anime; the inner product with another''s, made with weights, is what they have in
common: the cosine of genres by rarity, the rarity of common genres and studios, the same type,
source and age rating.';

CREATE FUNCTION jikan_sync.trait_product(one sparsevec, other sparsevec)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT -(trait_product.one <#> trait_product.other);
END;

COMMENT ON FUNCTION jikan_sync.trait_product(sparsevec, sparsevec) IS
'Inner product. A function, since the operator may be in any schema.';

CREATE FUNCTION jikan_sync.vector_product(one halfvec, other halfvec)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT -(vector_product.one <#> vector_product.other);
END;

COMMENT ON FUNCTION jikan_sync.vector_product(halfvec, halfvec) IS
'Inner product, of vectors of length 1 the cosine. A function, since the operator may be in any
schema.';

COMMIT;
