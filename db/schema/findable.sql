-- Deploy pgjikan:schema/findable to pg
-- requires: schema/anime

-- What a search reads of an anime. A view, so that functions of SQL can take such a row: one that
-- takes a row of the table itself stands in the way of ALTER TABLE (PostgreSQL 17.12 and later).

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE VIEW jikan_sync.findable AS
SELECT
    a.id,
    a.mal_id,
    a.title,
    a.type,
    a.status,
    a.genre_names,
    a.score,
    a.members,
    a.year,
    a.aired_from,
    a.is_nsfw,
    a.synopsis
FROM jikan.anime AS a
WHERE a.removed_at IS NULL;

COMMENT ON VIEW jikan_sync.findable IS 'Anime that a search may find, as far as it reads them.';
COMMENT ON COLUMN jikan_sync.findable.id IS 'The anime.';
COMMENT ON COLUMN jikan_sync.findable.mal_id IS 'MyAnimeList''s id.';
COMMENT ON COLUMN jikan_sync.findable.title IS 'Its default title.';
COMMENT ON COLUMN jikan_sync.findable.type IS 'TV, Movie …';
COMMENT ON COLUMN jikan_sync.findable.status IS 'Currently Airing …';
COMMENT ON COLUMN jikan_sync.findable.genre_names IS
'Genres, themes and demographics, lower case.';
COMMENT ON COLUMN jikan_sync.findable.score IS 'Mean score, 1 to 10.';
COMMENT ON COLUMN jikan_sync.findable.members IS 'How many have it in their list.';
COMMENT ON COLUMN jikan_sync.findable.year IS 'Year of its season.';
COMMENT ON COLUMN jikan_sync.findable.aired_from IS 'When it began to air.';
COMMENT ON COLUMN jikan_sync.findable.is_nsfw IS 'Whether it is adult.';
COMMENT ON COLUMN jikan_sync.findable.synopsis IS 'What it is about, in English.';

COMMIT;
