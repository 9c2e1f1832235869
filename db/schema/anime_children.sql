-- Deploy pgjikan:schema/anime_children to pg
-- requires: schema/anime

-- What hangs on an anime and comes with other documents than its core: relations, theme songs and
-- links (of /full), pictures, reviews. Titles are search's (schema/title). Genres and studios stay
-- columns of jikan.anime, where filters need them; anime.genre and anime.studio list them.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.relation (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    relation text NOT NULL,
    entry_type text NOT NULL,
    entry_mal_id integer NOT NULL,
    name text,
    url text,
    position integer NOT NULL,
    PRIMARY KEY (anime_id, relation, entry_type, entry_mal_id)
);

CREATE INDEX relation_entry_mal_id_idx
ON jikan.relation (entry_mal_id) WHERE entry_type = 'anime';

COMMENT ON TABLE jikan.relation IS
'Related entries of an anime: sequels, source manga, side stories.';
COMMENT ON COLUMN jikan.relation.anime_id IS 'The anime that has the relation.';
COMMENT ON COLUMN jikan.relation.relation IS
'Sequel, Prequel, Adaptation …; wording changes upstream.';
COMMENT ON COLUMN jikan.relation.entry_type IS 'anime or manga.';
COMMENT ON COLUMN jikan.relation.entry_mal_id IS
'MyAnimeList id of the entry; it need not be mirrored.';
COMMENT ON COLUMN jikan.relation.name IS 'Title of the entry.';
COMMENT ON COLUMN jikan.relation.url IS 'Page of the entry.';
COMMENT ON COLUMN jikan.relation.position IS
'Place in Jikan''s list: 1,000 × place of the group + place in the group, each from 1.';

CREATE TABLE jikan.theme_song (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('opening', 'ending')),
    position integer NOT NULL,
    song text NOT NULL,
    PRIMARY KEY (anime_id, kind, position)
);

COMMENT ON TABLE jikan.theme_song IS 'Opening and ending songs, as Jikan words them.';
COMMENT ON COLUMN jikan.theme_song.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.theme_song.kind IS 'opening or ending.';
COMMENT ON COLUMN jikan.theme_song.position IS 'Place in Jikan''s list, from 1.';
COMMENT ON COLUMN jikan.theme_song.song IS 'Number, title, artist and episodes in one text.';

CREATE TABLE jikan.link (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('external', 'streaming')),
    position integer NOT NULL,
    name text,
    url text NOT NULL,
    PRIMARY KEY (anime_id, kind, position)
);

COMMENT ON TABLE jikan.link IS 'External and streaming links.';
COMMENT ON COLUMN jikan.link.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.link.kind IS 'external or streaming.';
COMMENT ON COLUMN jikan.link.position IS 'Place in Jikan''s list, from 1.';
COMMENT ON COLUMN jikan.link.name IS 'Name of the site.';
COMMENT ON COLUMN jikan.link.url IS 'Where it leads.';

CREATE TABLE jikan.picture (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    position integer NOT NULL,
    images jsonb NOT NULL,
    PRIMARY KEY (anime_id, position)
);

COMMENT ON TABLE jikan.picture IS 'Pictures of /anime/{id}/pictures.';
COMMENT ON COLUMN jikan.picture.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.picture.position IS 'Place in Jikan''s list, from 1.';
COMMENT ON COLUMN jikan.picture.images IS 'Jikan''s images object (jpg, webp).';

CREATE TABLE jikan.review (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    review_mal_id bigint NOT NULL,
    url text,
    score integer,
    tags text[] NOT NULL DEFAULT '{}',
    review text NOT NULL,
    reactions jsonb,
    is_spoiler boolean,
    is_preliminary boolean,
    episodes_watched integer,
    username text,
    reviewer jsonb,
    reviewed_at timestamptz,
    position integer NOT NULL,
    PRIMARY KEY (anime_id, review_mal_id)
);

COMMENT ON TABLE jikan.review IS 'Reviews of the first page of /anime/{id}/reviews (20).';
COMMENT ON COLUMN jikan.review.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.review.review_mal_id IS 'MyAnimeList''s id of the review.';
COMMENT ON COLUMN jikan.review.url IS 'Page of the review.';
COMMENT ON COLUMN jikan.review.score IS 'The reviewer''s score, 1 to 10.';
COMMENT ON COLUMN jikan.review.tags IS 'Recommended, Mixed Feelings, Not Recommended …';
COMMENT ON COLUMN jikan.review.review IS 'The text.';
COMMENT ON COLUMN jikan.review.reactions IS 'Jikan''s reactions object (counts by kind).';
COMMENT ON COLUMN jikan.review.is_spoiler IS 'Whether it spoils the story.';
COMMENT ON COLUMN jikan.review.is_preliminary IS 'Whether it was written before the end.';
COMMENT ON COLUMN jikan.review.episodes_watched IS 'How far the reviewer had watched; often NULL.';
COMMENT ON COLUMN jikan.review.username IS 'Who wrote it.';
COMMENT ON COLUMN jikan.review.reviewer IS 'Jikan''s user object: page, name and images.';
COMMENT ON COLUMN jikan.review.reviewed_at IS 'When it was written.';
COMMENT ON COLUMN jikan.review.position IS 'Place in Jikan''s list, from 1.';

COMMIT;
