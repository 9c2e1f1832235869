-- Deploy pgjikan:schema/catalog to pg
-- requires: schema/anime
-- requires: functions/freshness/is_stale
-- requires: functions/face/plain_text

-- What apps may read of the mirror as a table. The view runs with its owner's rights, so readers
-- need nothing outside schema anime. Age is computed here, from timestamps and policy, never from a
-- flag.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE VIEW anime.catalog AS
SELECT  -- noqa: ST06
    a.mal_id,
    anime.plain_text(a.title) AS title,
    anime.plain_text(a.title_english) AS title_english,
    anime.plain_text(a.title_japanese) AS title_japanese,
    CASE
        WHEN strpos(array_to_string(a.title_synonyms, ' '), '&') > 0
            THEN (
                SELECT array_agg(anime.plain_text(s.title) ORDER BY s.place)
                FROM unnest(a.title_synonyms) WITH ORDINALITY AS s (title, place)
            )
        ELSE a.title_synonyms
    END AS title_synonyms,
    a.type,
    a.source,
    a.episodes,
    a.status,
    a.airing,
    a.aired_from,
    a.aired_to,
    a.season,
    a.year,
    a.duration,
    a.rating,
    a.score,
    a.scored_by,
    a.rank,
    a.popularity,
    a.members,
    a.favorites,
    anime.plain_text(a.synopsis) AS synopsis,
    nullif(anime.plain_text(a.background), '') AS background,
    a.genre_names AS genres,
    a.studio_names AS studios,
    a.url,
    a.is_nsfw,
    a.last_jikan_sync AS synced_at,
    a.removed_at,
    a.id AS anime_id,
    coalesce(
        a.images #>> '{jpg,large_image_url}', a.images #>> '{jpg,image_url}'
    ) AS image_url,
    CASE
        WHEN jikan_sync.stale_at(a.last_jikan_sync, coalesce(s.max_age, n.max_age)) <= n.now
            THEN 'stale'
        WHEN a.sync_status = 'pending_embeddings' THEN 'pending_embeddings'
        ELSE 'fresh'
    END AS freshness,
    jikan_sync.stale_at(a.last_jikan_sync, coalesce(s.max_age, n.max_age)) AS stale_at,
    a.approved IS NOT FALSE AS is_approved
FROM jikan.anime AS a
LEFT JOIN jikan_sync.freshness_policy AS s
    ON s.facet = 'core' AND a.status = s.status
-- Not WITH: a view with WITH is not merged into the query, and a search would read every anime.
CROSS JOIN (  -- noqa: ST05
    SELECT
        coalesce(
            (SELECT c.frozen_at FROM jikan_sync.clock AS c), statement_timestamp()
        ) AS now,
        (
            SELECT p.max_age
            FROM jikan_sync.freshness_policy AS p
            WHERE p.facet = 'core' AND p.status IS NULL
        ) AS max_age
) AS n;

COMMENT ON VIEW anime.catalog IS
'Every mirrored anime, with how fresh it is: `fresh`, `stale` (older than the policy; a refresh is
queued when someone asks for it) or `pending_embeddings` (not yet recommendable). Those that are
tombstoned (`removed_at`) or not approved by MyAnimeList (`is_approved`) are here and in no other
list.';
COMMENT ON COLUMN anime.catalog.mal_id IS 'MyAnimeList''s id.';
COMMENT ON COLUMN anime.catalog.title IS 'The default title, usually romanised Japanese.';
COMMENT ON COLUMN anime.catalog.title_english IS 'The English title.';
COMMENT ON COLUMN anime.catalog.title_japanese IS 'The Japanese title.';
COMMENT ON COLUMN anime.catalog.title_synonyms IS 'Other titles, in any language.';
COMMENT ON COLUMN anime.catalog.type IS
'TV, Movie, OVA, ONA, Special, TV Special, Music, CM or PV.';
COMMENT ON COLUMN anime.catalog.source IS 'What it was made from.';
COMMENT ON COLUMN anime.catalog.episodes IS 'Number of episodes.';
COMMENT ON COLUMN anime.catalog.status IS 'Finished Airing, Currently Airing or Not yet aired.';
COMMENT ON COLUMN anime.catalog.airing IS 'Whether it is airing now.';
COMMENT ON COLUMN anime.catalog.aired_from IS 'First day on air.';
COMMENT ON COLUMN anime.catalog.aired_to IS 'Last day on air.';
COMMENT ON COLUMN anime.catalog.season IS 'winter, spring, summer or fall.';
COMMENT ON COLUMN anime.catalog.year IS 'The year of its season.';
COMMENT ON COLUMN anime.catalog.duration IS 'As Jikan words it.';
COMMENT ON COLUMN anime.catalog.rating IS 'Age rating as Jikan words it.';
COMMENT ON COLUMN anime.catalog.score IS 'Mean score, 1.00 to 10.00.';
COMMENT ON COLUMN anime.catalog.scored_by IS 'How many scored it.';
COMMENT ON COLUMN anime.catalog.rank IS 'Place by score.';
COMMENT ON COLUMN anime.catalog.popularity IS 'Place by members.';
COMMENT ON COLUMN anime.catalog.members IS 'How many have it on a list.';
COMMENT ON COLUMN anime.catalog.favorites IS 'How many have it among their favourites.';
COMMENT ON COLUMN anime.catalog.synopsis IS 'The story in some sentences.';
COMMENT ON COLUMN anime.catalog.background IS 'Notes on its making.';
COMMENT ON COLUMN anime.catalog.genres IS 'Genres, themes and demographics, lower case.';
COMMENT ON COLUMN anime.catalog.studios IS 'Names of the studios.';
COMMENT ON COLUMN anime.catalog.image_url IS 'The largest poster.';
COMMENT ON COLUMN anime.catalog.url IS 'The page at MyAnimeList.';
COMMENT ON COLUMN anime.catalog.is_nsfw IS 'Adult.';
COMMENT ON COLUMN anime.catalog.freshness IS 'fresh, stale or pending_embeddings, computed now.';
COMMENT ON COLUMN anime.catalog.synced_at IS 'When an upstream last vouched for this row.';
COMMENT ON COLUMN anime.catalog.stale_at IS
'When the row is, or was, too old by the policy of today.';
COMMENT ON COLUMN anime.catalog.is_approved IS
'Whether MyAnimeList has approved the entry; true where nobody said.';
COMMENT ON COLUMN anime.catalog.removed_at IS
'When it was confirmed gone upstream; NULL for all others.';
COMMENT ON COLUMN anime.catalog.anime_id IS 'Key inside the mirror, the same in every view.';

CREATE VIEW anime.genre AS
SELECT
    g.name,
    count(*) AS anime_count
FROM jikan.anime AS a
CROSS JOIN LATERAL unnest(a.genre_names) AS g (name)
WHERE a.removed_at IS NULL
GROUP BY g.name;

COMMENT ON VIEW anime.genre IS 'Genres, themes and demographics, and how many anime have each.';
COMMENT ON COLUMN anime.genre.name IS 'What filters call it: lower case.';
COMMENT ON COLUMN anime.genre.anime_count IS 'How many anime have it.';

CREATE VIEW anime.studio AS
SELECT
    s.name,
    count(*) AS anime_count
FROM jikan.anime AS a
CROSS JOIN LATERAL unnest(a.studio_names) AS s (name)
WHERE a.removed_at IS NULL
GROUP BY s.name;

COMMENT ON VIEW anime.studio IS 'Studios, and how many anime each made.';
COMMENT ON COLUMN anime.studio.name IS 'Name of the studio.';
COMMENT ON COLUMN anime.studio.anime_count IS 'How many anime it made.';

GRANT SELECT ON anime.catalog, anime.genre, anime.studio TO anime_reader;
-- What a view calls, its reader must be allowed to call: pure arithmetic.
GRANT EXECUTE ON FUNCTION jikan_sync.stale_at(timestamptz, interval) TO anime_reader;
GRANT EXECUTE ON FUNCTION jikan_sync.later(timestamptz, interval) TO anime_reader;

COMMIT;
