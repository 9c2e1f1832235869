-- Deploy pgjikan:schema/v4_row to pg
-- requires: schema/anime

-- What lists of the Jikan v4 API read of an anime: the document as it goes out, written when the
-- anime changes and not at each of the thousand times it is read, and beside it in a narrow row
-- what lists are filtered and sorted by. Filters are tags, so that any mixture of them is one
-- question. Totals come from bitmaps, a bit an anime, in chunks: counting is AND and a count of
-- bits, and costs no more with sixteen times the anime. Writers only append to `v4_change`; who
-- counts corrects the bitmaps by it, and a job folds it in. So no writer waits for a bitmap and
-- every total is exact.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.v4_row (
    anime_id bigint PRIMARY KEY REFERENCES jikan.anime (id) ON DELETE CASCADE,
    slot integer NOT NULL GENERATED ALWAYS AS IDENTITY (MINVALUE 0),
    mal_id integer NOT NULL,
    version bigint NOT NULL,
    title text COLLATE "C" NOT NULL,
    aired_from date,
    aired_to date,
    episodes integer,
    score smallint,
    scored_by integer,
    rank integer,
    popularity integer,
    members integer,
    favorites integer,
    season_key smallint,
    tags integer[] NOT NULL,
    document text NOT NULL,
    CONSTRAINT v4_row_slot_key UNIQUE (slot),
    CONSTRAINT v4_row_mal_id_key UNIQUE (mal_id)
);

-- The document leaves the row, which then is read without it. It is not compressed: that takes
-- longer than all the rest of storing it.
ALTER TABLE jikan.v4_row SET (toast_tuple_target = 256);
ALTER TABLE jikan.v4_row ALTER COLUMN document SET STORAGE EXTERNAL;

CREATE INDEX v4_row_title_idx ON jikan.v4_row (title, mal_id);
CREATE INDEX v4_row_rank_idx ON jikan.v4_row (rank, mal_id);
CREATE INDEX v4_row_popularity_idx ON jikan.v4_row (popularity, mal_id);
CREATE INDEX v4_row_aired_from_idx ON jikan.v4_row (aired_from DESC NULLS LAST, mal_id);
CREATE INDEX v4_row_aired_to_idx ON jikan.v4_row (aired_to DESC NULLS LAST, mal_id);
CREATE INDEX v4_row_episodes_idx ON jikan.v4_row (episodes DESC NULLS LAST, mal_id);
CREATE INDEX v4_row_score_idx ON jikan.v4_row (score DESC NULLS LAST, mal_id);
CREATE INDEX v4_row_scored_by_idx ON jikan.v4_row (scored_by DESC NULLS LAST, mal_id);
CREATE INDEX v4_row_members_idx ON jikan.v4_row (members DESC NULLS LAST, mal_id);
CREATE INDEX v4_row_favorites_idx ON jikan.v4_row (favorites DESC NULLS LAST, mal_id);
CREATE INDEX v4_row_tags_idx ON jikan.v4_row USING gin (tags) WITH (gin_pending_list_limit = 512);

COMMENT ON TABLE jikan.v4_row IS
'Anime as the Jikan v4 API shows and lists them, one row each but for those gone upstream; made from
jikan.anime by `jikan_sync.v4_write_rows`.';
COMMENT ON COLUMN jikan.v4_row.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.v4_row.slot IS 'Its bit in the bitmaps of `jikan_sync.v4_bitmap`.';
COMMENT ON COLUMN jikan.v4_row.mal_id IS 'MyAnimeList''s id, the last order of every list.';
COMMENT ON COLUMN jikan.v4_row.version IS 'Hash of the document: what an ETag is made of.';
COMMENT ON COLUMN jikan.v4_row.title IS 'Order: the default title.';
COMMENT ON COLUMN jikan.v4_row.aired_from IS 'Order and filter: first day on air.';
COMMENT ON COLUMN jikan.v4_row.aired_to IS 'Order and filter: last day on air.';
COMMENT ON COLUMN jikan.v4_row.episodes IS 'Order: number of episodes.';
COMMENT ON COLUMN jikan.v4_row.score IS 'Order and filter: mean score in hundredths.';
COMMENT ON COLUMN jikan.v4_row.scored_by IS 'Order: how many scored it.';
COMMENT ON COLUMN jikan.v4_row.rank IS 'Order: place by score.';
COMMENT ON COLUMN jikan.v4_row.popularity IS 'Order: place by members.';
COMMENT ON COLUMN jikan.v4_row.members IS 'Order: how many have it on a list.';
COMMENT ON COLUMN jikan.v4_row.favorites IS 'Order: how many have it among their favourites.';
COMMENT ON COLUMN jikan.v4_row.season_key IS
'The season of its premiere, else of its first day on air: `jikan_sync.season_key`.';
COMMENT ON COLUMN jikan.v4_row.tags IS 'What it can be filtered by: `jikan_sync.v4_tag`.';
COMMENT ON COLUMN jikan.v4_row.document IS 'Jikan''s Anime object, as JSON text.';

CREATE TABLE jikan_sync.v4_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slot integer NOT NULL
);

COMMENT ON TABLE jikan_sync.v4_change IS
'Rows of `jikan.v4_row` that came, changed or went since the bitmaps were folded.';
COMMENT ON COLUMN jikan_sync.v4_change.id IS 'The change.';
COMMENT ON COLUMN jikan_sync.v4_change.slot IS 'The row, by its bit.';

CREATE TABLE jikan_sync.v4_bitmap (
    tag integer NOT NULL,
    chunk integer NOT NULL,
    bits bit varying NOT NULL,
    PRIMARY KEY (tag, chunk)
);

ALTER TABLE jikan_sync.v4_bitmap ALTER COLUMN bits SET STORAGE MAIN;

COMMENT ON TABLE jikan_sync.v4_bitmap IS
'Which rows have a tag: a bit a row, 16,384 rows a chunk, as of the last `jikan_sync.v4_fold`.';
COMMENT ON COLUMN jikan_sync.v4_bitmap.tag IS 'The tag.';
COMMENT ON COLUMN jikan_sync.v4_bitmap.chunk IS 'Which 16,384 slots.';
COMMENT ON COLUMN jikan_sync.v4_bitmap.bits IS 'Bit n: slot 16,384 × chunk + n has the tag.';

CREATE TABLE jikan_sync.v4_genre (
    mal_id integer PRIMARY KEY,
    kind text NOT NULL,
    name text NOT NULL,
    url text
);

COMMENT ON TABLE jikan_sync.v4_genre IS
'Genres, explicit genres, themes and demographics that anime have.';
COMMENT ON COLUMN jikan_sync.v4_genre.mal_id IS 'MyAnimeList''s id of it.';
COMMENT ON COLUMN jikan_sync.v4_genre.kind IS
'genres, explicit_genres, themes or demographics: the list where it was seen last.';
COMMENT ON COLUMN jikan_sync.v4_genre.name IS 'What it is called.';
COMMENT ON COLUMN jikan_sync.v4_genre.url IS 'Its page at MyAnimeList.';

CREATE TABLE jikan_sync.v4_fold_state (
    is_only boolean PRIMARY KEY DEFAULT true,
    fold_count bigint NOT NULL DEFAULT 0,
    CONSTRAINT v4_fold_state_is_only_check CHECK (is_only)
);

COMMENT ON TABLE jikan_sync.v4_fold_state IS 'One row: who folds holds it.';
COMMENT ON COLUMN jikan_sync.v4_fold_state.is_only IS 'True: there is one row.';
COMMENT ON COLUMN jikan_sync.v4_fold_state.fold_count IS 'How often changes were folded in.';

INSERT INTO jikan_sync.v4_fold_state DEFAULT VALUES;

-- The empty bitmap is the aggregate's, so that it need not be made for each group.
DO $$
BEGIN
    EXECUTE format(
        'CREATE AGGREGATE jikan_sync.v4_bits(integer, integer) ('
        'SFUNC = pg_catalog.set_bit, STYPE = bit, INITCOND = %L)',
        repeat('0', 16384)
    );
END;
$$;

COMMENT ON AGGREGATE jikan_sync.v4_bits (integer, integer) IS
'A bitmap of a chunk: the bits at the places given have the values given, all others are 0.';

COMMIT;
