-- Deploy pgjikan:schema/facet to pg
-- requires: schema/namespaces

-- The parts of a title that have an age of their own, one row each. A row says which Jikan route
-- brings the facet and which function stores it, so a new one is a row, a function and a table.
-- What comes with another facet's document has no route: one /full document pays for the core, the
-- theme songs, the relations and the links.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.facet (
    name text PRIMARY KEY,
    position integer NOT NULL,
    path text,
    brought_by text REFERENCES jikan_sync.facet (name) ON DELETE RESTRICT ON UPDATE CASCADE,
    is_paged boolean NOT NULL DEFAULT false,
    max_pages integer NOT NULL DEFAULT 1,
    store text,
    is_asked_by_get boolean NOT NULL DEFAULT false,
    description text NOT NULL,
    CONSTRAINT facet_name_check CHECK (name ~ '^[a-z][a-z_]{0,30}$'),
    CONSTRAINT facet_position_key UNIQUE (position),
    CONSTRAINT facet_path_check CHECK (path ~ '^/anime/\{id\}(/[a-z]+)+(\?[a-z=&]+)?$'),
    CONSTRAINT facet_source_check CHECK ((path IS null) = (brought_by IS NOT null)),
    CONSTRAINT facet_store_check CHECK (store IS null OR path IS NOT null),
    CONSTRAINT facet_max_pages_check CHECK (
        max_pages BETWEEN 1 AND 1000
        AND (is_paged OR max_pages = 1)
    )
);

CREATE INDEX facet_brought_by_idx ON jikan_sync.facet (brought_by) WHERE brought_by IS NOT null;

COMMENT ON TABLE jikan_sync.facet IS
'The facets of a title: parts with an age of their own. One row says where a facet comes from and
what stores it; its age is a row of `jikan_sync.freshness_policy`.';
COMMENT ON COLUMN jikan_sync.facet.name IS 'The facet: core, reviews, episodes …';
COMMENT ON COLUMN jikan_sync.facet.position IS 'Its place in lists and in the order of asking.';
COMMENT ON COLUMN jikan_sync.facet.path IS
'The Jikan route with {id} for the title, and its fixed parameters; NULL: it has none of its own.';
COMMENT ON COLUMN jikan_sync.facet.brought_by IS
'The facet whose document brings this one along; NULL: it has a route of its own.';
COMMENT ON COLUMN jikan_sync.facet.is_paged IS
'Whether its list comes in pages; each is a request of its own.';
COMMENT ON COLUMN jikan_sync.facet.max_pages IS 'No more pages than this are asked for.';
COMMENT ON COLUMN jikan_sync.facet.store IS
'Function (mal_id integer, documents jsonb, fetched_at timestamptz) that files its `data` in tables
of its own, beside the document as received in `jikan.facet_document`; NULL: the document is all.';
COMMENT ON COLUMN jikan_sync.facet.is_asked_by_get IS
'Whether `anime.get` asks for it when it is stale or was never fetched.';
COMMENT ON COLUMN jikan_sync.facet.description IS 'What it is.';

CREATE FUNCTION jikan_sync.tg_check_facet()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.store IS NOT NULL
        AND to_regprocedure(NEW.store || '(integer, jsonb, timestamptz)') IS NULL
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('facet "%s" names a store function that is not there: %s',
                             NEW.name, NEW.store),
            HINT = 'A function (mal_id integer, documents jsonb, fetched_at timestamptz) with its '
                   'schema, like jikan_sync.store_pictures.';
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_check_facet() IS
'Refuses a facet whose store function does not exist. Raises: 22023.';

CREATE TRIGGER check_facet
BEFORE INSERT OR UPDATE ON jikan_sync.facet
FOR EACH ROW EXECUTE FUNCTION jikan_sync.tg_check_facet();

INSERT INTO jikan_sync.facet (
    name, position, path, brought_by, is_paged, max_pages, is_asked_by_get, description
)
VALUES
('core', 1, '/anime/{id}/full', null, false, 1, true, 'Title, facts, score, genres, synopsis.'),
('themes', 2, null, 'core', false, 1, true, 'Opening and ending songs.'),
('relations', 3, null, 'core', false, 1, true, 'Sequels, source manga, side stories.'),
('links', 4, null, 'core', false, 1, true, 'External and streaming links.'),
('images', 5, '/anime/{id}/pictures', null, false, 1, true, 'Pictures.'),
(
    'reviews', 6, '/anime/{id}/reviews?preliminary=true&spoilers=true', null, true, 1, true,
    'Reviews, the first page of 20.'
),
(
    'recommendations', 7, '/anime/{id}/recommendations', null, false, 1, false,
    'What users recommend to who liked it, with votes.'
),
('characters', 8, '/anime/{id}/characters', null, false, 1, false, 'Characters and their voices.'),
('staff', 9, '/anime/{id}/staff', null, false, 1, false, 'Who made it.'),
('episodes', 10, '/anime/{id}/episodes', null, true, 30, false, 'Its episodes, 100 a page.'),
('videos', 11, '/anime/{id}/videos', null, false, 1, false, 'Trailers, episodes, music videos.'),
(
    'statistics', 12, '/anime/{id}/statistics', null, false, 1, false,
    'How many watch, completed, dropped it, and the votes by score.'
),
('news', 13, '/anime/{id}/news', null, true, 1, false, 'News about it, the first page.'),
(
    'videos_episodes', 14, '/anime/{id}/videos/episodes', null, true, 1, false,
    'Videos of its episodes, the first page.'
),
('moreinfo', 15, '/anime/{id}/moreinfo', null, false, 1, false, 'What MyAnimeList adds in words.'),
('episode', 16, null, 'episodes', false, 1, false, 'One episode, told at length.');

COMMIT;
