-- Deploy pgjikan:functions/recommend/recommendation_rows to pg
-- requires: schema/catalog

-- What the face shows of a title that was recommended or found by its meaning.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE anime.recommendation AS (
    mal_id integer,
    title text,
    title_english text,
    title_japanese text,
    type text,
    year integer,
    season text,
    episodes integer,
    status text,
    score numeric (4, 2),
    members integer,
    image_url text,
    similarity real,
    rank real,
    match text,
    why text,
    freshness text,
    synced_at timestamptz
);

COMMENT ON TYPE anime.recommendation IS
'A recommended title. `similarity`: cosine of the vectors, 1 is the same; `rank`: what rows are
ordered by; `match`: voted, walk or alike, of `anime.search_semantic` semantic, text or both; `why`:
the reason in words; `freshness`, `synced_at`: as in `anime.search_result`.';

GRANT USAGE ON TYPE anime.recommendation TO anime_reader;

CREATE FUNCTION jikan_sync.recommendation_rows(
    anime_ids bigint[],
    similarities real[],
    ranks real[],
    matches text[],
    whys text[]
)
RETURNS SETOF anime.recommendation
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        c.mal_id,
        c.title,
        c.title_english,
        c.title_japanese,
        c.type,
        c.year,
        c.season,
        c.episodes,
        c.status,
        c.score,
        c.members,
        c.image_url,
        n.similarity,
        n.rank,
        n.match,
        n.why,
        c.freshness,
        c.synced_at
    FROM
        unnest(
            recommendation_rows.anime_ids,
            recommendation_rows.similarities,
            recommendation_rows.ranks,
            recommendation_rows.matches,
            recommendation_rows.whys
        ) WITH ORDINALITY AS n (anime_id, similarity, rank, match, why, number)
    INNER JOIN anime.catalog AS c ON n.anime_id = c.anime_id
    -- Said twice, so that only these rows of the view are worked out.
    WHERE c.anime_id = any(recommendation_rows.anime_ids)
    ORDER BY n.number;
END;

COMMENT ON FUNCTION jikan_sync.recommendation_rows(bigint[], real[], real[], text[], text[]) IS
'Ranked titles as the face shows them.';

COMMIT;
