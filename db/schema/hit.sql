-- Deploy pgjikan:schema/hit to pg
-- requires: schema/anime
-- requires: schema/setting

-- What people look at, so that what is refreshed behind them is what they will look at next. Reads
-- append a sample to an unlogged table that nobody waits for; a job folds it into a score that
-- halves every two weeks.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE UNLOGGED TABLE jikan_sync.hit (
    anime_id bigint NOT NULL,
    weight real NOT NULL
);

COMMENT ON TABLE jikan_sync.hit IS
'A sample of what reads found, until `jikan_sync.fold_hits` counts it; a crash may lose it.';
COMMENT ON COLUMN jikan_sync.hit.anime_id IS
'What was found; no foreign key, so that reads pay for nothing.';
COMMENT ON COLUMN jikan_sync.hit.weight IS 'How many reads the sample stands for.';

CREATE TABLE jikan_sync.demand (
    anime_id bigint PRIMARY KEY REFERENCES jikan.anime (id) ON DELETE CASCADE,
    score double precision NOT NULL,
    updated_at timestamptz NOT NULL
);

COMMENT ON TABLE jikan_sync.demand IS
'How much each anime is looked at: reads, each worth half after two weeks.';
COMMENT ON COLUMN jikan_sync.demand.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan_sync.demand.score IS 'Its reads, as worth at `updated_at`.';
COMMENT ON COLUMN jikan_sync.demand.updated_at IS 'When the score was last counted.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES (
    'hit_sample', '0.05', 'number', '0', '1',
    'The share of reads that is counted, each for all it stands for: 0.05 writes once in 20 reads.'
);

COMMIT;
