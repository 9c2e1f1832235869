-- Deploy pgjikan:schema/findable to pg
-- requires: schema/anime

-- What the face filters and ranks by. A view, so that functions of SQL can take such a row: one
-- that takes a row of the table itself stands in the way of ALTER TABLE (PostgreSQL 17.12 and
-- later). Nothing dear in it: what is dear stands in the way of inlining `jikan_sync.admits`, and
-- called for a row it reads the whole row, the synopsis too.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE VIEW jikan_sync.findable AS
SELECT
    a.id,
    a.mal_id,
    a.type,
    a.status,
    a.genre_names,
    a.score,
    a.members,
    a.is_nsfw,
    a.synopsis,
    a.embedding_hash,
    a.title,
    a.title_english,
    a.popularity_share,
    a.approved IS NOT FALSE AS is_approved,
    -- Jikan gives a year to what has a season, and that is TV.
    coalesce(a.year, extract(YEAR FROM a.aired_from AT TIME ZONE 'UTC')::integer) AS year
FROM jikan.anime AS a
WHERE a.removed_at IS NULL;

COMMENT ON VIEW jikan_sync.findable IS
'Anime that a search or a recommendation may find, as far as those read them.';
COMMENT ON COLUMN jikan_sync.findable.id IS 'The anime.';
COMMENT ON COLUMN jikan_sync.findable.mal_id IS 'MyAnimeList''s id.';
COMMENT ON COLUMN jikan_sync.findable.title IS 'Its default title, as received.';
COMMENT ON COLUMN jikan_sync.findable.title_english IS 'Its English title, as received, or NULL.';
COMMENT ON COLUMN jikan_sync.findable.type IS 'TV, Movie …';
COMMENT ON COLUMN jikan_sync.findable.status IS 'Currently Airing …';
COMMENT ON COLUMN jikan_sync.findable.genre_names IS
'Genres, themes and demographics, lower case.';
COMMENT ON COLUMN jikan_sync.findable.score IS 'Mean score, 1 to 10.';
COMMENT ON COLUMN jikan_sync.findable.members IS 'How many have it in their list.';
COMMENT ON COLUMN jikan_sync.findable.popularity_share IS
'How popular it is, 0 to 1: `jikan_sync.popularity_share`.';
COMMENT ON COLUMN jikan_sync.findable.is_nsfw IS 'Whether it is adult.';
COMMENT ON COLUMN jikan_sync.findable.is_approved IS
'Whether MyAnimeList has approved the entry, or nobody said.';
COMMENT ON COLUMN jikan_sync.findable.synopsis IS 'What it is about, in English.';
COMMENT ON COLUMN jikan_sync.findable.embedding_hash IS
'Hash of its text; a vector counts only beside the same.';
COMMENT ON COLUMN jikan_sync.findable.year IS
'Year of its season, or where it has none, as films, the year (UTC) in which it began to air.';

COMMIT;
