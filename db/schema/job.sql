-- Deploy pgjikan:schema/job to pg
-- requires: schema/setting

-- What happens by the clock. Period and offset are the truth; pg_cron entries are derived from
-- them, and whoever comes first after a job fell due (pg_cron, a sidecar's tick) runs it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.job (
    name text PRIMARY KEY,
    period interval NOT NULL,
    at interval NOT NULL DEFAULT '0',
    command text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    description text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_run_at timestamptz,
    last_duration interval,
    last_outcome text,
    failure_count integer NOT NULL DEFAULT 0,
    CONSTRAINT job_name_check CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    -- Periods without months: a month has no fixed length, so a slot could not be computed.
    CONSTRAINT job_period_check CHECK (
        period >= interval '1 minute' AND period <= interval '366 days'
        AND extract(MONTH FROM period) = 0 AND extract(YEAR FROM period) = 0
    ),
    CONSTRAINT job_at_check CHECK (at >= interval '0' AND at < period),
    CONSTRAINT job_last_outcome_check CHECK (last_outcome IN ('ok', 'failed')),
    CONSTRAINT job_last_run_check CHECK (
        (last_run_at IS null) = (last_outcome IS null)
        AND (last_run_at IS null) = (last_duration IS null)
        AND (failure_count > 0) = coalesce(last_outcome = 'failed', false)
    )
);

COMMENT ON TABLE jikan_sync.job IS
'What runs by the clock. After a change of period, at or enabled call `jikan_sync.install_jobs()`.';
COMMENT ON COLUMN jikan_sync.job.name IS 'The job, for `jikan_sync.run_job`.';
COMMENT ON COLUMN jikan_sync.job.period IS 'How often; at least a minute.';
COMMENT ON COLUMN jikan_sync.job.at IS
'Offset in the period: of a daily job the time of day (UTC), of a weekly one from Monday midnight.';
COMMENT ON COLUMN jikan_sync.job.command IS
'One SQL statement; its first column is kept as result.';
COMMENT ON COLUMN jikan_sync.job.enabled IS 'Whether the clock runs it; by hand it always can be.';
COMMENT ON COLUMN jikan_sync.job.description IS 'What it is for.';
COMMENT ON COLUMN jikan_sync.job.created_at IS 'It first falls due after this.';
COMMENT ON COLUMN jikan_sync.job.last_run_at IS 'When it last started.';
COMMENT ON COLUMN jikan_sync.job.last_duration IS 'How long that took.';
COMMENT ON COLUMN jikan_sync.job.last_outcome IS 'ok or failed; why is in `jikan_sync.job_run`.';
COMMENT ON COLUMN jikan_sync.job.failure_count IS 'How often in a row it has failed.';

CREATE TABLE jikan_sync.job_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_name text NOT NULL REFERENCES jikan_sync.job (name) ON DELETE CASCADE ON UPDATE CASCADE,
    started_at timestamptz NOT NULL,
    duration interval NOT NULL,
    outcome text NOT NULL,
    result text,
    sqlstate text,
    message text,
    context text,
    CONSTRAINT job_run_outcome_check CHECK (outcome IN ('ok', 'failed')),
    CONSTRAINT job_run_error_check CHECK ((outcome = 'failed') = (sqlstate IS NOT null))
);

CREATE INDEX job_run_job_name_started_at_idx ON jikan_sync.job_run (job_name, started_at);

COMMENT ON TABLE jikan_sync.job_run IS
'Every run of a job, kept for the setting `history_retention`.';
COMMENT ON COLUMN jikan_sync.job_run.id IS 'The run.';
COMMENT ON COLUMN jikan_sync.job_run.job_name IS 'The job.';
COMMENT ON COLUMN jikan_sync.job_run.started_at IS 'When it started.';
COMMENT ON COLUMN jikan_sync.job_run.duration IS 'How long it took.';
COMMENT ON COLUMN jikan_sync.job_run.outcome IS 'ok or failed.';
COMMENT ON COLUMN jikan_sync.job_run.result IS 'What the command answered, usually a count.';
COMMENT ON COLUMN jikan_sync.job_run.sqlstate IS 'The error''s code.';
COMMENT ON COLUMN jikan_sync.job_run.message IS 'The error''s message, detail and hint.';
COMMENT ON COLUMN jikan_sync.job_run.context IS 'Where the error was raised.';

COMMIT;
