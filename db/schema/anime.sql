-- Deploy pgjikan:schema/anime to pg
-- requires: schema/clock
-- requires: functions/embeddings/embedding_text
-- requires: functions/search/popularity

-- The mirror's main table: one row per MyAnimeList anime, with every field of Jikan's Anime object
-- and what we know of its age. No column says when the row goes stale: that follows from the
-- facet's timestamp and `jikan_sync.freshness_policy`, so a changed policy is true at once for
-- every row. The ages of all facets are in `jikan_sync.ledger`.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.anime (
    -- What a search reads comes first: of a row it then reads a tenth.
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mal_id integer NOT NULL CONSTRAINT anime_mal_id_check CHECK (mal_id > 0),
    members integer,
    aired_from timestamptz,
    removed_at timestamptz,
    year integer,
    approved boolean,
    is_nsfw boolean NOT NULL GENERATED ALWAYS AS (
        coalesce(rating LIKE 'Rx%', false) OR genre_names && ARRAY['hentai', 'erotica']
    ) STORED,
    popularity_share double precision NOT NULL GENERATED ALWAYS AS (
        jikan_sync.popularity_share(members, score)
    ) STORED,
    score numeric(4, 2),
    type text,
    status text,
    genre_names text[] NOT NULL DEFAULT '{}',
    title text NOT NULL,
    title_english text,
    title_japanese text,
    season text,
    episodes integer,
    last_jikan_sync timestamptz NOT NULL,
    sync_status text NOT NULL DEFAULT 'pending_embeddings',
    url text,
    images jsonb,
    trailer jsonb,
    titles jsonb NOT NULL,
    title_synonyms text[] NOT NULL DEFAULT '{}',
    source text,
    airing boolean,
    aired jsonb,
    aired_to timestamptz,
    duration text,
    rating text,
    scored_by integer,
    rank integer,
    popularity integer,
    favorites integer,
    synopsis text,
    background text,
    broadcast jsonb,
    producers jsonb NOT NULL DEFAULT '[]',
    licensors jsonb NOT NULL DEFAULT '[]',
    studios jsonb NOT NULL DEFAULT '[]',
    genres jsonb NOT NULL DEFAULT '[]',
    explicit_genres jsonb NOT NULL DEFAULT '[]',
    themes jsonb NOT NULL DEFAULT '[]',
    demographics jsonb NOT NULL DEFAULT '[]',
    studio_names text[] NOT NULL DEFAULT '{}',
    embedding_hash uuid NOT NULL GENERATED ALWAYS AS (
        md5(
            jikan_sync.embedding_text(
                title,
                title_english,
                title_japanese,
                title_synonyms,
                genre_names,
                studio_names,
                synopsis
            )
        )::uuid
    ) STORED,
    core_hash bigint NOT NULL,
    full_hash bigint,
    full_synced_at timestamptz,
    is_full boolean NOT NULL GENERATED ALWAYS AS (full_synced_at IS NOT null) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    missing_count integer NOT NULL DEFAULT 0,
    first_missing_at timestamptz,
    last_missing_at timestamptz,
    CONSTRAINT anime_mal_id_key UNIQUE (mal_id),
    CONSTRAINT anime_sync_status_check
    CHECK (sync_status IN ('fresh', 'stale', 'pending_embeddings')),
    CONSTRAINT anime_full_check CHECK ((full_hash IS null) = (full_synced_at IS null)),
    CONSTRAINT anime_missing_check CHECK (
        (missing_count = 0) = (first_missing_at IS null)
        AND (missing_count = 0) = (last_missing_at IS null)
        AND (removed_at IS null OR missing_count > 0)
    )
)
-- No index holds `last_jikan_sync` or `sync_status`, and a page is filled by half, so there is room
-- for all of its rows once more: a walk that finds them still right touches no index.
WITH (fillfactor = 50);

CREATE INDEX anime_season_idx ON jikan.anime (year, season) WHERE year IS NOT null;

CREATE INDEX anime_aired_from_idx ON jikan.anime (aired_from) WHERE season IS null;

CREATE INDEX anime_missing_idx ON jikan.anime (last_missing_at) WHERE missing_count > 0;

COMMENT ON TABLE jikan.anime IS
'One row per MyAnimeList anime: every field of Jikan''s Anime object as sent, HTML entities and all
(people read `anime.catalog`), and how old its core is.';
COMMENT ON COLUMN jikan.anime.id IS 'Our key; children refer to it.';
COMMENT ON COLUMN jikan.anime.mal_id IS 'MyAnimeList''s id, the key of every upsert.';
COMMENT ON COLUMN jikan.anime.url IS 'The page at MyAnimeList.';
COMMENT ON COLUMN jikan.anime.images IS
'Jikan''s images object (jpg, webp); hosts change, so never a key.';
COMMENT ON COLUMN jikan.anime.trailer IS
'Jikan''s trailer object; the video id is in embed_url only.';
COMMENT ON COLUMN jikan.anime.approved IS 'Whether MyAnimeList has approved the entry.';
COMMENT ON COLUMN jikan.anime.titles IS
'Jikan''s titles list ({type, title}), made of the other titles where none came; `jikan.title` is
made from it.';
COMMENT ON COLUMN jikan.anime.title IS 'The default title, usually romanised Japanese.';
COMMENT ON COLUMN jikan.anime.title_english IS 'The English title; NULL where there is none.';
COMMENT ON COLUMN jikan.anime.title_japanese IS 'The Japanese title; NULL where there is none.';
COMMENT ON COLUMN jikan.anime.title_synonyms IS 'Other titles, in any language.';
COMMENT ON COLUMN jikan.anime.type IS
'TV, Movie, OVA, ONA, Special, TV Special, Music, CM or PV; may be NULL.';
COMMENT ON COLUMN jikan.anime.source IS 'What it was made from: Manga, Original, Light novel …';
COMMENT ON COLUMN jikan.anime.episodes IS 'Number of episodes; NULL while unknown.';
COMMENT ON COLUMN jikan.anime.status IS
'Finished Airing, Currently Airing or Not yet aired; chooses the freshness policy.';
COMMENT ON COLUMN jikan.anime.airing IS 'Whether it is airing now.';
COMMENT ON COLUMN jikan.anime.aired IS 'Jikan''s aired object; its prop knows partial dates.';
COMMENT ON COLUMN jikan.anime.aired_from IS 'First day on air, midnight UTC.';
COMMENT ON COLUMN jikan.anime.aired_to IS 'Last day on air, midnight UTC.';
COMMENT ON COLUMN jikan.anime.duration IS 'As Jikan words it: "24 min per ep".';
COMMENT ON COLUMN jikan.anime.rating IS
'Age rating as Jikan words it: "PG-13 - Teens 13 or older".';
COMMENT ON COLUMN jikan.anime.score IS 'Mean score, 1.00 to 10.00; NULL where too few voted.';
COMMENT ON COLUMN jikan.anime.scored_by IS 'How many scored it.';
COMMENT ON COLUMN jikan.anime.rank IS 'Place by score.';
COMMENT ON COLUMN jikan.anime.popularity IS 'Place by members.';
COMMENT ON COLUMN jikan.anime.members IS 'How many have it on a list.';
COMMENT ON COLUMN jikan.anime.favorites IS 'How many have it among their favourites.';
COMMENT ON COLUMN jikan.anime.synopsis IS 'The story in some sentences.';
COMMENT ON COLUMN jikan.anime.background IS 'Notes on its making; "" and NULL as Jikan says.';
COMMENT ON COLUMN jikan.anime.season IS 'winter, spring, summer or fall (TV only).';
COMMENT ON COLUMN jikan.anime.year IS 'The year of its season (TV only).';
COMMENT ON COLUMN jikan.anime.broadcast IS
'Jikan''s broadcast object: day, time, timezone, string.';
COMMENT ON COLUMN jikan.anime.producers IS 'Jikan''s producers list.';
COMMENT ON COLUMN jikan.anime.licensors IS 'Jikan''s licensors list.';
COMMENT ON COLUMN jikan.anime.studios IS 'Jikan''s studios list.';
COMMENT ON COLUMN jikan.anime.genres IS 'Jikan''s genres list.';
COMMENT ON COLUMN jikan.anime.explicit_genres IS 'Jikan''s explicit genres list.';
COMMENT ON COLUMN jikan.anime.themes IS
'Jikan''s themes list (not the songs: those are `jikan.theme_song`).';
COMMENT ON COLUMN jikan.anime.demographics IS 'Jikan''s demographics list.';
COMMENT ON COLUMN jikan.anime.genre_names IS
'Names of genres, explicit genres, themes and demographics in lower case, for filters.';
COMMENT ON COLUMN jikan.anime.studio_names IS 'Names of the studios, without HTML entities.';
COMMENT ON COLUMN jikan.anime.is_nsfw IS 'Adult: rated Rx, or of genre Hentai or Erotica.';
COMMENT ON COLUMN jikan.anime.popularity_share IS
'How popular it is, 0 to 1: `jikan_sync.popularity_share`. What a search ranks by.';
COMMENT ON COLUMN jikan.anime.embedding_hash IS
'MD5 of `jikan_sync.embedding_text` of this row; a vector counts only beside the same hash.';
COMMENT ON COLUMN jikan.anime.core_hash IS
'Hash of the document''s core, to write only what differs.';
COMMENT ON COLUMN jikan.anime.full_hash IS
'Hash of relations, songs and links; NULL before a /full document.';
COMMENT ON COLUMN jikan.anime.last_jikan_sync IS
'When an upstream last vouched for the core facet; `jikan_sync.ledger` follows it.';
COMMENT ON COLUMN jikan.anime.full_synced_at IS
'When a /full document last vouched for relations, songs and links; NULL: never.';
COMMENT ON COLUMN jikan.anime.is_full IS 'Whether a /full document has ever been stored.';
COMMENT ON COLUMN jikan.anime.sync_status IS
'fresh, stale or pending_embeddings, as last marked; answers compute staleness from the
timestamps.';
COMMENT ON COLUMN jikan.anime.created_at IS 'When the row first came.';
COMMENT ON COLUMN jikan.anime.changed_at IS 'When a document last changed what the row says.';
COMMENT ON COLUMN jikan.anime.missing_count IS 'How many 404 in a row an upstream gave for it.';
COMMENT ON COLUMN jikan.anime.first_missing_at IS 'The first 404 of the row.';
COMMENT ON COLUMN jikan.anime.last_missing_at IS 'The last 404 of the row.';
COMMENT ON COLUMN jikan.anime.removed_at IS
'Tombstone: gone upstream, confirmed; hidden from search and recommendations, not deleted.';

COMMIT;
