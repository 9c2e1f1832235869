-- Deploy pgjikan:schema/sync_run to pg
-- requires: schema/clock
-- requires: schema/setting

-- A walk through a list page by page: a season, or the whole catalogue in mal_id order. Where it
-- stands is the page stored last; the next page's task is queued in the transaction that stores
-- one, so a crash, a 504 or Ctrl-C costs at most the page under way.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.sync_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    year integer,
    season text,
    priority text NOT NULL,
    state text NOT NULL DEFAULT 'running',
    page_count integer NOT NULL DEFAULT 0,
    item_count integer NOT NULL DEFAULT 0,
    last_page integer,
    total_count integer,
    started_at timestamptz NOT NULL,
    advanced_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT sync_run_kind_check CHECK (kind IN ('season', 'catalogue')),
    CONSTRAINT sync_run_season_check CHECK (
        (
            kind = 'catalogue' AND season IS null AND year IS null
            OR kind = 'season' AND season IN ('now', 'upcoming', 'airing') AND year IS null
            OR kind = 'season' AND season IN ('winter', 'spring', 'summer', 'fall')
            AND year BETWEEN 1900 AND 2100
        ) IS true  -- a check that is unknown would pass
    ),
    CONSTRAINT sync_run_priority_check CHECK (priority IN ('high', 'low')),
    CONSTRAINT sync_run_state_check CHECK (state IN ('running', 'finished')),
    CONSTRAINT sync_run_finished_check CHECK ((state = 'finished') = (finished_at IS NOT null)),
    CONSTRAINT sync_run_count_check CHECK (page_count >= 0 AND item_count >= 0)
);

CREATE UNIQUE INDEX sync_run_running_key
ON jikan_sync.sync_run (kind, year, season) NULLS NOT DISTINCT
WHERE state = 'running';

CREATE INDEX sync_run_finished_at_idx ON jikan_sync.sync_run (kind, finished_at);

COMMENT ON TABLE jikan_sync.sync_run IS
'Walks through a season or the catalogue, page by page; at most one of each at a time.';
COMMENT ON COLUMN jikan_sync.sync_run.id IS 'The run.';
COMMENT ON COLUMN jikan_sync.sync_run.kind IS 'season or catalogue.';
COMMENT ON COLUMN jikan_sync.sync_run.year IS
'The season''s year; NULL for now, upcoming, airing, catalogue.';
COMMENT ON COLUMN jikan_sync.sync_run.season IS
'winter, spring, summer, fall, now, upcoming or airing; NULL for the catalogue.';
COMMENT ON COLUMN jikan_sync.sync_run.priority IS 'Priority of its tasks: high or low.';
COMMENT ON COLUMN jikan_sync.sync_run.state IS
'running, even while nobody works on it, or finished.';
COMMENT ON COLUMN jikan_sync.sync_run.page_count IS 'The page stored last; the next one is queued.';
COMMENT ON COLUMN jikan_sync.sync_run.item_count IS 'How many documents the pages held so far.';
COMMENT ON COLUMN jikan_sync.sync_run.last_page IS 'How many pages the upstream says there are.';
COMMENT ON COLUMN jikan_sync.sync_run.total_count IS
'How many documents the upstream says there are.';
COMMENT ON COLUMN jikan_sync.sync_run.started_at IS 'When it began.';
COMMENT ON COLUMN jikan_sync.sync_run.advanced_at IS 'When a page was last stored.';
COMMENT ON COLUMN jikan_sync.sync_run.finished_at IS 'When the last page was stored.';

INSERT INTO jikan_sync.setting (name, value, type, description)
VALUES (
    'sync_pages_max', '4000', 'number',
    'A run ends at this page whatever the upstream says: it may promise a next page for ever. The '
    'catalogue has about 1,100.'
);

COMMIT;
