-- Deploy pgjikan:schema/franchise to pg
-- requires: schema/anime_children

-- Which titles are one franchise: all that sequels, side stories and the like connect, however far.
-- Kept ready, because walking relations inside a recommendation would cost more than the
-- recommendation.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.franchise (
    mal_id integer PRIMARY KEY,
    franchise_id integer NOT NULL
);

CREATE INDEX franchise_franchise_id_idx ON jikan.franchise (franchise_id);

COMMENT ON TABLE jikan.franchise IS
'The franchise of every anime that relations connect to another, mirrored or not.';
COMMENT ON COLUMN jikan.franchise.mal_id IS
'MyAnimeList''s id of the anime; it need not be mirrored.';
COMMENT ON COLUMN jikan.franchise.franchise_id IS 'The smallest mal_id of the franchise.';

COMMIT;
