-- Deploy pgjikan:schema/facet_document to pg
-- requires: schema/anime
-- requires: schema/facet
-- requires: schema/ledger

-- Facets as received, a row per page: what is only passed on needs no table of its own, and what
-- has one can still be given back word for word.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.facet_document (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    facet text NOT NULL REFERENCES jikan_sync.facet (name) ON DELETE CASCADE ON UPDATE CASCADE,
    page integer NOT NULL DEFAULT 1,
    body json NOT NULL,
    pagination json,
    hash bigint NOT NULL,
    CONSTRAINT facet_document_pkey PRIMARY KEY (anime_id, facet, page),
    CONSTRAINT facet_document_page_check CHECK (page BETWEEN 1 AND 1000)
);

CREATE INDEX facet_document_facet_idx ON jikan.facet_document (facet);

COMMENT ON TABLE jikan.facet_document IS
'The documents of facets as an upstream sent them, for those that have a route of their own.';
COMMENT ON COLUMN jikan.facet_document.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.facet_document.facet IS 'The facet.';
COMMENT ON COLUMN jikan.facet_document.page IS 'The page, from 1; 1 where the facet has no pages.';
COMMENT ON COLUMN jikan.facet_document.body IS
'The `data` of the response; json and not jsonb, to keep the order of keys.';
COMMENT ON COLUMN jikan.facet_document.pagination IS 'The response''s `pagination`, if it has one.';
COMMENT ON COLUMN jikan.facet_document.hash IS 'Hash of both, to write only what differs.';

COMMIT;
