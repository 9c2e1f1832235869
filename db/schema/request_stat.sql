-- Deploy pgjikan:schema/request_stat to pg
-- requires: schema/provider

-- How many requests went where and how they ended, by the hour: for status, metrics and the
-- question "what did that backfill cost". Counted in the transaction that records the answer.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.request_stat (
    hour timestamptz NOT NULL,
    provider text NOT NULL,
    task text NOT NULL,
    outcome text NOT NULL,
    request_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    elapsed interval NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (hour, provider, task, outcome)
) WITH (fillfactor = 70);

COMMENT ON TABLE jikan_sync.request_stat IS
'Requests by hour, provider, task and outcome; kept a year.';
COMMENT ON COLUMN jikan_sync.request_stat.hour IS 'The hour, by its first moment.';
COMMENT ON COLUMN jikan_sync.request_stat.provider IS 'Name of the provider asked.';
COMMENT ON COLUMN jikan_sync.request_stat.task IS 'Task of the queue: search, anime, season …';
COMMENT ON COLUMN jikan_sync.request_stat.outcome IS
'ok, not_found, not_yet, rate_limited, rejected, upstream_error, transport_error or invalid.';
COMMENT ON COLUMN jikan_sync.request_stat.request_count IS 'How many requests ended so.';
COMMENT ON COLUMN jikan_sync.request_stat.byte_count IS 'Bytes of body they brought.';
COMMENT ON COLUMN jikan_sync.request_stat.elapsed IS 'Time they took, summed.';
COMMENT ON COLUMN jikan_sync.request_stat.last_at IS 'When the last one ended.';

COMMIT;
