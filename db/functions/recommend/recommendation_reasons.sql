-- Deploy pgjikan:functions/recommend/recommendation_reasons to pg
-- requires: schema/neighbour
-- requires: schema/recommendation
-- requires: functions/face/plain_text

-- Why a title is recommended, in a few words that are true now: votes are looked up, not
-- remembered.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.recommendation_reasons(
    anime_ids bigint[],
    is_walked boolean[],
    liked bigint[],
    sibling_mal_ids integer[]
)
RETURNS TABLE (anime_id bigint, match text, why text)
LANGUAGE sql
STABLE
ROWS 10
BEGIN ATOMIC
    WITH liked AS MATERIALIZED (
        SELECT  -- noqa: ST06
            a.mal_id,
            anime.plain_text(coalesce(a.title_english, a.title)) AS title,
            a.genre_names,
            a.studio_names
        FROM jikan.anime AS a
        WHERE a.id = any(recommendation_reasons.liked)
    )

    SELECT
        a.id,
        CASE
            WHEN coalesce(v.votes, f.votes) IS NOT NULL THEN 'voted'
            WHEN i.is_walked THEN 'walk'
            ELSE 'alike'
        END,
        CASE
            WHEN v.votes IS NOT NULL AND cardinality(recommendation_reasons.liked) = 1
                THEN format('recommended by %s', v.votes)
            WHEN v.votes IS NOT NULL THEN format('recommended by %s for %s', v.votes, v.title)
            WHEN f.votes IS NOT NULL THEN format('recommended by %s for its franchise', f.votes)
            WHEN i.is_walked THEN 'liked by the same people'
            WHEN g.names IS NOT NULL THEN 'alike: ' || g.names
            WHEN s.name IS NOT NULL THEN 'alike: by ' || anime.plain_text(s.name)
            ELSE 'nothing nearer'
        END
    FROM
        unnest(
            recommendation_reasons.anime_ids, recommendation_reasons.is_walked
        ) AS i (anime_id, is_walked)
    INNER JOIN jikan.anime AS a ON i.anime_id = a.id
    LEFT JOIN LATERAL (
        SELECT
            o.votes,
            l.title
        FROM jikan_sync.vote AS o
        INNER JOIN liked AS l ON o.other_mal_id = l.mal_id
        WHERE o.mal_id = a.mal_id
        ORDER BY o.votes DESC, l.mal_id ASC
        LIMIT 1
    ) AS v ON TRUE
    LEFT JOIN LATERAL (
        SELECT max(o.votes) AS votes
        FROM jikan_sync.vote AS o
        WHERE
            v.votes IS NULL
            AND o.mal_id = a.mal_id
            AND o.other_mal_id = any(recommendation_reasons.sibling_mal_ids)
    ) AS f ON TRUE
    LEFT JOIN LATERAL (  -- noqa: ST05
        SELECT  -- noqa: LT09
            string_agg(t.name, ', ' ORDER BY t.liked_count DESC, t.rarity DESC, t.name ASC) AS names
        FROM (
            SELECT
                anime.plain_text(n.entry ->> 'name') AS name,
                count(*) AS liked_count,
                coalesce(max(r.rarity), 3) AS rarity
            FROM
                jsonb_array_elements(
                    a.genres || a.explicit_genres || a.themes || a.demographics
                ) AS n (entry)
            INNER JOIN liked AS l
                ON lower(anime.plain_text(n.entry ->> 'name')) = any(l.genre_names)
            LEFT JOIN jikan_sync.trait AS r
                ON r.kind = 'genre' AND r.name = lower(anime.plain_text(n.entry ->> 'name'))
            WHERE coalesce(v.votes, f.votes) IS NULL AND i.is_walked IS NOT TRUE
            GROUP BY anime.plain_text(n.entry ->> 'name')
            ORDER BY liked_count DESC, rarity DESC, name
            LIMIT 3
        ) AS t
    ) AS g ON TRUE
    LEFT JOIN LATERAL (
        SELECT m.name
        FROM unnest(a.studio_names) AS m (name)
        INNER JOIN liked AS l ON m.name = any(l.studio_names)
        ORDER BY m.name
        LIMIT 1
    ) AS s ON TRUE;
END;

COMMENT ON FUNCTION jikan_sync.recommendation_reasons(
    bigint[], boolean[], bigint[], integer[]
) IS
'What led from the `liked` to each anime, shortly: votes for the pair, for another of the franchise
(`sibling_mal_ids`), a walk over votes where `is_walked`, genres or studio in common.';

COMMIT;
