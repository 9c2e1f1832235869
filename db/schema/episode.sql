-- Deploy pgjikan:schema/episode to pg
-- requires: schema/anime
-- requires: schema/ledger

-- The episodes of an anime, a row each, so that SQL can ask for one of eleven hundred.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.episode (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    number integer NOT NULL,
    title text,
    title_japanese text,
    title_romanji text,
    aired_at timestamptz,
    score numeric(4, 2),
    is_filler boolean,
    is_recap boolean,
    url text,
    forum_url text,
    CONSTRAINT episode_pkey PRIMARY KEY (anime_id, number),
    CONSTRAINT episode_number_check CHECK (number >= 0)
);

COMMENT ON TABLE jikan.episode IS 'Episodes, as /anime/{id}/episodes lists them.';
COMMENT ON COLUMN jikan.episode.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.episode.number IS 'Its number; Jikan calls it mal_id.';
COMMENT ON COLUMN jikan.episode.title IS 'English title.';
COMMENT ON COLUMN jikan.episode.title_japanese IS 'Japanese title.';
COMMENT ON COLUMN jikan.episode.title_romanji IS 'Japanese title in Latin letters.';
COMMENT ON COLUMN jikan.episode.aired_at IS 'First day on air, midnight UTC.';
COMMENT ON COLUMN jikan.episode.score IS 'Mean score of the episode, 1 to 5.';
COMMENT ON COLUMN jikan.episode.is_filler IS 'Whether it is not of the original story.';
COMMENT ON COLUMN jikan.episode.is_recap IS 'Whether it sums up others.';
COMMENT ON COLUMN jikan.episode.url IS 'Its page at MyAnimeList.';
COMMENT ON COLUMN jikan.episode.forum_url IS 'Its discussion.';

COMMIT;
