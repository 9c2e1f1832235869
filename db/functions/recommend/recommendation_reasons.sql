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
    ),

    -- Counted once, not for each row that is alike.
    wanted AS MATERIALIZED (
        SELECT
            c.name,
            c.title,
            c.liked_count,
            coalesce(t.rarity, 3) AS rarity
        FROM (
            SELECT
                lower(g.title) AS name,
                min(g.title) AS title,
                count(DISTINCT g.anime_id) AS liked_count
            FROM (
                SELECT
                    l.id AS anime_id,
                    anime.plain_text(e.entry ->> 'name') AS title
                FROM jikan.anime AS l
                CROSS JOIN
                    LATERAL jsonb_array_elements(
                        l.genres || l.explicit_genres || l.themes || l.demographics
                    ) AS e (entry)
                WHERE l.id = any(recommendation_reasons.liked)
            ) AS g
            GROUP BY lower(g.title)
        ) AS c
        LEFT JOIN jikan_sync.trait AS t ON t.kind = 'genre' AND c.name = t.name
    ),

    picked AS MATERIALIZED (
        SELECT
            a.id,
            a.mal_id,
            a.genre_names,
            a.studio_names,
            i.is_walked
        FROM
            unnest(
                recommendation_reasons.anime_ids, recommendation_reasons.is_walked
            ) AS i (anime_id, is_walked)
        INNER JOIN jikan.anime AS a ON i.anime_id = a.id
    ),

    -- A vote for the title itself says more than one for its franchise.
    voted AS MATERIALIZED (
        SELECT DISTINCT ON (o.mal_id)
            o.mal_id,
            o.votes,
            l.mal_id AS liked_mal_id,
            l.title
        FROM jikan_sync.vote AS o
        LEFT JOIN liked AS l ON o.other_mal_id = l.mal_id
        WHERE
            o.mal_id = any(array(SELECT p.mal_id FROM picked AS p))
            AND o.other_mal_id = any(
                array(SELECT k.mal_id FROM liked AS k) || recommendation_reasons.sibling_mal_ids
            )
        ORDER BY o.mal_id ASC, l.mal_id IS NULL ASC, o.votes DESC, l.mal_id ASC
    )

    SELECT
        a.id,
        CASE
            WHEN v.votes IS NOT NULL THEN 'voted'
            WHEN a.is_walked THEN 'walk'
            ELSE 'alike'
        END,
        CASE
            WHEN v.votes IS NOT NULL AND v.liked_mal_id IS NULL
                THEN format('recommended by %s for its franchise', v.votes)
            WHEN v.votes IS NOT NULL AND cardinality(recommendation_reasons.liked) = 1
                THEN format('recommended by %s', v.votes)
            WHEN v.votes IS NOT NULL THEN format('recommended by %s for %s', v.votes, v.title)
            WHEN a.is_walked THEN 'liked by the same people'
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
                            w.name,
                            w.title,
                            w.rarity,
                            -- What a title has as a genre and as a theme counts twice.
                            w.liked_count * cardinality(array_positions(a.genre_names, w.name))
                                AS liked_count
                        FROM wanted AS w
                        WHERE w.name = any(a.genre_names)
                        ORDER BY liked_count DESC, w.rarity DESC, w.name ASC
                        LIMIT 3
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
    FROM picked AS a
    LEFT JOIN voted AS v ON a.mal_id = v.mal_id;
END;

COMMENT ON FUNCTION jikan_sync.recommendation_reasons(
    bigint[], boolean[], bigint[], integer[]
) IS
'What led from the `liked` to each anime, shortly: votes for the pair, for another of the franchise
(`sibling_mal_ids`), a walk over votes where `is_walked`, genres or studio in common.';

COMMIT;
