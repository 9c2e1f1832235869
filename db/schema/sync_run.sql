-- Deploy pgjikan:schema/sync_run to pg
-- requires: schema/clock
-- requires: schema/setting

-- A walk through a list page by page: a season, the whole catalogue in mal_id order, or what users
-- recommended lately. Where it
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
    stalled_at timestamptz,
    seen_count integer,
    CONSTRAINT sync_run_kind_check CHECK (
        kind IN ('season', 'catalogue', 'recommendations')
    ),
    CONSTRAINT sync_run_season_check CHECK (
        (
            kind IN ('catalogue', 'recommendations') AND season IS null AND year IS null
            OR kind = 'season' AND season IN ('now', 'upcoming', 'airing') AND year IS null
            OR kind = 'season' AND season IN ('winter', 'spring', 'summer', 'fall')
            AND year BETWEEN 1900 AND 2100
        ) IS true  -- a check that is unknown would pass
    ),
    CONSTRAINT sync_run_priority_check CHECK (priority IN ('high', 'low')),
    CONSTRAINT sync_run_state_check CHECK (state IN ('running', 'stalled', 'finished')),
    CONSTRAINT sync_run_finished_check CHECK ((state = 'finished') = (finished_at IS NOT null)),
    CONSTRAINT sync_run_stalled_check CHECK ((state = 'stalled') = (stalled_at IS NOT null)),
    CONSTRAINT sync_run_count_check CHECK (page_count >= 0 AND item_count >= 0)
);

CREATE UNIQUE INDEX sync_run_running_key
ON jikan_sync.sync_run (kind, year, season) NULLS NOT DISTINCT
WHERE state IN ('running', 'stalled');

CREATE INDEX sync_run_finished_at_idx ON jikan_sync.sync_run (kind, finished_at);

COMMENT ON TABLE jikan_sync.sync_run IS
'Walks through a season, the catalogue or recent recommendations, page by page; at most one of each
at a time.';
COMMENT ON COLUMN jikan_sync.sync_run.id IS 'The run.';
COMMENT ON COLUMN jikan_sync.sync_run.kind IS
'season, catalogue or recommendations.';
COMMENT ON COLUMN jikan_sync.sync_run.year IS
'The season''s year; NULL for now, upcoming, airing, and for other lists.';
COMMENT ON COLUMN jikan_sync.sync_run.season IS
'winter, spring, summer, fall, now, upcoming or airing; NULL for other lists.';
COMMENT ON COLUMN jikan_sync.sync_run.priority IS 'Priority of its tasks: high or low.';
COMMENT ON COLUMN jikan_sync.sync_run.state IS
'running, even while nobody works on it; stalled: its page became a dead letter, and a job takes it
up again; or finished.';
COMMENT ON COLUMN jikan_sync.sync_run.page_count IS 'The page stored last; the next one is queued.';
COMMENT ON COLUMN jikan_sync.sync_run.item_count IS 'How many documents the pages held so far.';
COMMENT ON COLUMN jikan_sync.sync_run.last_page IS 'How many pages the upstream says there are.';
COMMENT ON COLUMN jikan_sync.sync_run.total_count IS
'How many documents the upstream says there are.';
COMMENT ON COLUMN jikan_sync.sync_run.started_at IS 'When it began.';
COMMENT ON COLUMN jikan_sync.sync_run.advanced_at IS 'When a page was last stored.';
COMMENT ON COLUMN jikan_sync.sync_run.finished_at IS 'When the last page was stored.';
COMMENT ON COLUMN jikan_sync.sync_run.stalled_at IS 'When its page became a dead letter.';
COMMENT ON COLUMN jikan_sync.sync_run.seen_count IS
'How many different titles a finished walk saw: fewer than `total_count`, and pages overlapped.';

CREATE TABLE jikan_sync.sync_run_title (
    run_id bigint NOT NULL REFERENCES jikan_sync.sync_run (id) ON DELETE CASCADE,
    mal_id integer NOT NULL,
    PRIMARY KEY (run_id, mal_id)
);

COMMENT ON TABLE jikan_sync.sync_run_title IS
'Which titles a walk has seen so far; emptied when it ends.';
COMMENT ON COLUMN jikan_sync.sync_run_title.run_id IS 'The run.';
COMMENT ON COLUMN jikan_sync.sync_run_title.mal_id IS 'The title.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'sync_pages_max', '4000', 'number', '1', '100000',
    'A run ends at this page whatever the upstream says: it may promise a next page for ever. The '
    'catalogue has about 1,100.'
),
(
    'sync_resume_after', '6 hours', 'interval', '1 minute', '90 days',
    'How long after its page became a dead letter a walk is taken up again. One that stored no '
    'page for so long stands still, and nothing waits for it.'
),
(
    'sync_shortage', '0.01', 'number', '0', '1',
    'The share of what an upstream says there is that a walk may have missed, through pages that '
    'overlapped, before anime.health says so.'
);

COMMIT;
