-- Deploy pgjikan:schema/lost_part to pg
-- requires: schema/anime
-- requires: schema/setting

-- What titles had and a /full document no longer says: all their relations, all their songs. One
-- title may lose them; many at once are an upstream that no longer reads them. So a loss is noted
-- here first and believed later, or never.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.lost_part (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    part text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (anime_id, part),
    CONSTRAINT lost_part_part_check CHECK (part IN ('relations', 'songs')),
    CONSTRAINT lost_part_seen_check CHECK (last_seen_at >= first_seen_at)
);

COMMENT ON TABLE jikan_sync.lost_part IS
'What is kept of titles although their last /full document has none of it. A row goes when the part
comes back or its loss is believed: `jikan_sync.keep_parts`.';
COMMENT ON COLUMN jikan_sync.lost_part.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan_sync.lost_part.part IS 'relations, or songs (openings and endings).';
COMMENT ON COLUMN jikan_sync.lost_part.first_seen_at IS
'As of when the first document without it is.';
COMMENT ON COLUMN jikan_sync.lost_part.last_seen_at IS
'As of when the last document without it is.';

COMMIT;
