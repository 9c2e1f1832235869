-- Deploy pgjikan:schema/rate_limit to pg
-- requires: schema/clock
-- requires: schema/setting

-- What an upstream allows, one row per window, and how much of it is taken. A window is kept by its
-- theoretical arrival time (GCRA): one timestamp says all, so every sidecar and plpython3u share
-- one truth. `burst` 1 spaces requests evenly; more lets that many come at once, for windows so
-- long that even spacing would waste the shorter ones (40,000 a day is one every 2.2 s).

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.rate_limit (
    subject text NOT NULL,
    unit text NOT NULL,
    period interval NOT NULL,
    allowed numeric NOT NULL,
    burst numeric NOT NULL DEFAULT 1,
    tat timestamptz NOT NULL DEFAULT '-infinity',
    paused_until timestamptz NOT NULL DEFAULT '-infinity',
    pace double precision NOT NULL DEFAULT 1,
    slowed_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (subject, unit, period),
    CONSTRAINT rate_limit_unit_check CHECK (unit IN ('request', 'text', 'token')),
    CONSTRAINT rate_limit_period_check CHECK (period > interval '0'),
    CONSTRAINT rate_limit_allowed_check CHECK (allowed BETWEEN 0.0001 AND 1e12),
    CONSTRAINT rate_limit_burst_check CHECK (burst >= 1 AND (burst = 1 OR burst <= allowed / 2)),
    CONSTRAINT rate_limit_pace_check CHECK (pace > 0 AND pace <= 1)
) WITH (fillfactor = 50);

COMMENT ON TABLE jikan_sync.rate_limit IS
'What an upstream allows, one row per window, and how much of it is taken.';
COMMENT ON COLUMN jikan_sync.rate_limit.subject IS
'Whose limit: `provider:NAME` and, with a server key, `provider:NAME:key` for Jikan providers,
`embedding:NAME` for embedding providers.';
COMMENT ON COLUMN jikan_sync.rate_limit.unit IS
'What is counted: requests, their texts, or the tokens of those, estimated at 4 characters.';
COMMENT ON COLUMN jikan_sync.rate_limit.period IS 'Length of the window.';
COMMENT ON COLUMN jikan_sync.rate_limit.allowed IS
'How many units the window allows, as documented.';
COMMENT ON COLUMN jikan_sync.rate_limit.burst IS
'How many units may come at once, and so the largest request of texts or tokens; 1 spaces them
evenly. At most half of `allowed`.';
COMMENT ON COLUMN jikan_sync.rate_limit.tat IS
'Theoretical arrival time: when all units reserved so far would be used up at an even pace.';
COMMENT ON COLUMN jikan_sync.rate_limit.paused_until IS
'Nothing is reserved before: a 429 said so.';
COMMENT ON COLUMN jikan_sync.rate_limit.pace IS
'Share of the full pace that held at `slowed_at`; it grows back to 1 by the clock.';
COMMENT ON COLUMN jikan_sync.rate_limit.slowed_at IS 'When a 429 last lowered the pace.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'rate_jitter', '250 ms', 'interval', '0', '10 seconds',
    'How far apart the ways of two requests may be in time; windows are widened by it, or a late '
    'request and an early one a window later would meet in one sliding window.'
),
(
    'rate_headroom', '0.01', 'number', '0', '0.5',
    'Share of every documented limit left unused. At 60 a minute with the default jitter, 98.6 % '
    'are used and requests may be 0.86 s late before a sliding window sees one too many.'
),
(
    'rate_pause', '10 seconds', 'interval', '1 second', '1 day',
    'Pause after a 429 that does not say how long to wait.'
),
(
    'rate_recovery', '10 minutes', 'interval', '1 second', '7 days',
    'How long the pace takes from nothing back to full; a 429 halves it, so half of this.'
),
(
    'rate_pace_min', '0.125', 'number', '0.01', '1',
    'Lowest share of the full pace that repeated 429 can bring.'
);

COMMIT;
