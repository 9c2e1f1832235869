-- Deploy pgjikan:schema/anime_document to pg
-- requires: schema/namespaces

-- The shape of Jikan's Anime object: as a row type, which jsonb_populate_record fills in one pass,
-- and as a table of the JSON types that each field may have, since a row type would quietly take a
-- number or an object for a text.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.anime_document AS (
    mal_id integer,
    url text,
    images jsonb,
    trailer jsonb,
    approved boolean,
    titles jsonb,
    title text,
    title_english text,
    title_japanese text,
    title_synonyms text [],
    type text,
    source text,
    episodes integer,
    status text,
    airing boolean,
    aired jsonb,
    duration text,
    rating text,
    score numeric,
    scored_by integer,
    rank integer,
    popularity integer,
    members integer,
    favorites integer,
    synopsis text,
    background text,
    season text,
    year integer,
    broadcast jsonb,
    producers jsonb,
    licensors jsonb,
    studios jsonb,
    genres jsonb,
    explicit_genres jsonb,
    themes jsonb,
    demographics jsonb
);

COMMENT ON TYPE jikan_sync.anime_document IS 'Jikan''s Anime object, field by field.';

CREATE TABLE jikan_sync.document_field (
    name text PRIMARY KEY,
    json_types text[] NOT NULL,
    is_required boolean NOT NULL DEFAULT false
);

COMMENT ON TABLE jikan_sync.document_field IS
'Fields of Jikan''s Anime object (with those of /full) and the JSON types that each may have.';
COMMENT ON COLUMN jikan_sync.document_field.name IS 'The field.';
COMMENT ON COLUMN jikan_sync.document_field.json_types IS 'What jsonb_typeof may say of it.';
COMMENT ON COLUMN jikan_sync.document_field.is_required IS
'Whether a document without it is refused.';

INSERT INTO jikan_sync.document_field (name, json_types, is_required)
VALUES
('mal_id', '{number}', true),
('title', '{string}', true),
('titles', '{array,"null"}', false),
('approved', '{boolean,"null"}', false),
('airing', '{boolean,"null"}', false);

INSERT INTO jikan_sync.document_field (name, json_types)
SELECT
    f.name,
    '{string,"null"}'::text[]
FROM
    unnest(ARRAY[
        'url', 'title_english', 'title_japanese', 'type', 'source', 'status', 'duration', 'rating',
        'synopsis', 'background', 'season'
    ]) AS f (name)
UNION ALL
SELECT
    f.name,
    '{number,"null"}'::text[]
FROM
    unnest(ARRAY[
        'episodes', 'score', 'scored_by', 'rank', 'popularity', 'members', 'favorites', 'year'
    ]) AS f (name)
UNION ALL
SELECT
    f.name,
    '{array,"null"}'::text[]
FROM
    unnest(ARRAY[
        'title_synonyms',
        'producers',
        'licensors',
        'studios',
        'genres',
        'explicit_genres',
        'themes',
        'demographics', 'relations', 'external', 'streaming'
    ]) AS f (name)
UNION ALL
SELECT
    f.name,
    '{object,"null"}'::text[]
FROM unnest(ARRAY['images', 'trailer', 'aired', 'broadcast', 'theme']) AS f (name);

COMMIT;
