-- Deploy pgjikan:schema/list_document to pg
-- requires: schema/namespaces

-- Lists about no one title, kept as received, a row per page.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.list_document (
    path text NOT NULL,
    page integer NOT NULL,
    body json NOT NULL,
    pagination json,
    hash bigint NOT NULL,
    synced_at timestamptz NOT NULL,
    PRIMARY KEY (path, page)
);

COMMENT ON TABLE jikan.list_document IS
'Lists about no one title, kept as received: /recommendations/anime.';
COMMENT ON COLUMN jikan.list_document.path IS 'Jikan''s route: recommendations/anime.';
COMMENT ON COLUMN jikan.list_document.page IS 'Page of the list, from 1.';
COMMENT ON COLUMN jikan.list_document.body IS '`data` of the response.';
COMMENT ON COLUMN jikan.list_document.pagination IS '`pagination` of the response.';
COMMENT ON COLUMN jikan.list_document.hash IS 'Hash of the body.';
COMMENT ON COLUMN jikan.list_document.synced_at IS 'When it was fetched.';

COMMIT;
