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
            WHEN v.votes IS NOT NULL THEN 'voted'
            WHEN i.is_walked THEN 'walk'
            ELSE 'alike'
        END,
        CASE
            WHEN v.votes IS NOT NULL AND v.mal_id IS NULL
                THEN format('recommended by %s for its franchise', v.votes)
            WHEN v.votes IS NOT NULL AND cardinality(recommendation_reasons.liked) = 1
                THEN format('recommended by %s', v.votes)
            WHEN v.votes IS NOT NULL THEN format('recommended by %s for %s', v.votes, v.title)
            WHEN i.is_walked THEN 'liked by the same people'
            -- Looked up only where nothing else was said.
            ELSE coalesce(
                'alike: ' || (
                    SELECT
                        string_agg(
                            g.title, ', '
                            ORDER BY g.liked_count DESC, g.rarity DESC, g.name ASC
                        )
                    FROM (
                        SELECT
                            t.name,
                            t.liked_count,
                            t.rarity,
                            (
                                SELECT min(anime.plain_text(e.entry ->> 'name'))
                                FROM
                                    jsonb_array_elements(
                                        a.genres || a.explicit_genres || a.themes || a.demographics
                                    ) AS e (entry)
                                WHERE lower(anime.plain_text(e.entry ->> 'name')) = t.name
                            ) AS title
                        FROM (
                            SELECT
                                c.name,
                                c.liked_count,
                                coalesce(r.rarity, 3) AS rarity
                            FROM (
                                SELECT
                                    n.name,
                                    count(*) AS liked_count
                                FROM unnest(a.genre_names) AS n (name)
                                INNER JOIN liked AS l ON n.name = any(l.genre_names)
                                GROUP BY n.name
                            ) AS c
                            LEFT JOIN jikan_sync.trait AS r ON r.kind = 'genre' AND c.name = r.name
                            ORDER BY c.liked_count DESC, rarity DESC, c.name ASC
                            LIMIT 3
                        ) AS t
                    ) AS g
                ),
                'alike: by ' || (
                    SELECT anime.plain_text(min(m.name))
                    FROM unnest(a.studio_names) AS m (name)
                    INNER JOIN liked AS l ON m.name = any(l.studio_names)
                ),
                'nothing nearer'
            )
        END
    FROM
        unnest(
            recommendation_reasons.anime_ids, recommendation_reasons.is_walked
        ) AS i (anime_id, is_walked)
    INNER JOIN jikan.anime AS a ON i.anime_id = a.id
    -- A vote for the title itself says more than one for its franchise.
    LEFT JOIN LATERAL (
        SELECT
            o.votes,
            l.mal_id,
            l.title
        FROM jikan_sync.vote AS o
        LEFT JOIN liked AS l ON o.other_mal_id = l.mal_id
        WHERE
            o.mal_id = a.mal_id
            AND o.other_mal_id = any(
                array(SELECT k.mal_id FROM liked AS k) || recommendation_reasons.sibling_mal_ids
            )
        ORDER BY l.mal_id IS NULL ASC, o.votes DESC, l.mal_id ASC
        LIMIT 1
    ) AS v ON TRUE;
END;

COMMENT ON FUNCTION jikan_sync.recommendation_reasons(
    bigint[], boolean[], bigint[], integer[]
) IS
'What led from the `liked` to each anime, shortly: votes for the pair, for another of the franchise
(`sibling_mal_ids`), a walk over votes where `is_walked`, genres or studio in common.';

COMMIT;
