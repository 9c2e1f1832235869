-- Deploy pgjikan:schema/breaker to pg
-- requires: schema/provider

-- A provider that fails is left alone, and found again when it is back. What counts is many
-- different things failing with nothing answered in between: one broken title never opens a
-- breaker.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.breaker (
    provider text PRIMARY KEY
    REFERENCES jikan_sync.provider (name) ON UPDATE CASCADE ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'closed',
    opened_at timestamptz,
    probe_at timestamptz,
    doubted_until timestamptz,
    last_failure text,
    last_failure_at timestamptz,
    CONSTRAINT breaker_state_check CHECK (state IN ('closed', 'open', 'half_open')),
    CONSTRAINT breaker_open_check CHECK (
        (state = 'closed') = (opened_at IS null) AND (state = 'closed') = (probe_at IS null)
    )
);

COMMENT ON TABLE jikan_sync.breaker IS
'The breaker of each provider that ever failed; a provider without a row has never failed.';
COMMENT ON COLUMN jikan_sync.breaker.provider IS 'The provider.';
COMMENT ON COLUMN jikan_sync.breaker.state IS
'closed: asked; open: left alone; half_open: one request, the canary, is on its way.';
COMMENT ON COLUMN jikan_sync.breaker.opened_at IS 'Since when it has not been closed.';
COMMENT ON COLUMN jikan_sync.breaker.probe_at IS
'When the next canary may go; while half open, when the one under way counts as lost.';
COMMENT ON COLUMN jikan_sync.breaker.doubted_until IS
'Until then other providers go first: this one gave no answer at all.';
COMMENT ON COLUMN jikan_sync.breaker.last_failure IS 'Outcome and status of the last failure.';
COMMENT ON COLUMN jikan_sync.breaker.last_failure_at IS 'When it last failed.';

CREATE TABLE jikan_sync.breaker_failure (
    provider text NOT NULL
    REFERENCES jikan_sync.provider (name) ON UPDATE CASCADE ON DELETE CASCADE,
    subject text NOT NULL,
    failed_at timestamptz NOT NULL,
    weight integer NOT NULL DEFAULT 1,
    is_current boolean NOT NULL DEFAULT true,
    PRIMARY KEY (provider, subject),
    CONSTRAINT breaker_failure_weight_check CHECK (weight > 0)
);

COMMENT ON TABLE jikan_sync.breaker_failure IS
'What a provider failed at lately; enough different ones, with nothing answered in between, open its
breaker.';
COMMENT ON COLUMN jikan_sync.breaker_failure.provider IS 'The provider.';
COMMENT ON COLUMN jikan_sync.breaker_failure.subject IS 'What was asked: `anime:5`, `catalogue` …';
COMMENT ON COLUMN jikan_sync.breaker_failure.failed_at IS 'When it last failed at this.';
COMMENT ON COLUMN jikan_sync.breaker_failure.weight IS
'What it counts: a title counts once however often it fails, a list every time: it is no title.';
COMMENT ON COLUMN jikan_sync.breaker_failure.is_current IS
'Whether nothing was answered since; only then it counts. Others still say what goes elsewhere.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'breaker_failures', '5', 'number', '1', '1000',
    'How many different titles (or lists, as often as they are tried) must fail, with nothing '
    'answered in between, to open a breaker.'
),
(
    'breaker_window', '5 minutes', 'interval', '1 second', '1 day',
    'How long a failure counts towards opening a breaker.'
),
(
    'breaker_probe_after', '30 seconds', 'interval', '1 second', '1 day',
    'How long an open breaker waits before each canary; a provider is found again within it. As '
    'long, others go first for what one failed at, and for anything where it gave no answer.'
),
(
    'breaker_probe_timeout', '1 minute', 'interval', '1 second', '1 day',
    'When a canary that nobody reported on counts as lost.'
),
(
    'upstream_patience', '15 seconds', 'interval', '0', '10 minutes',
    'Longest wait for a turn that a sidecar accepts; over it, a provider counts as busy.'
);

COMMIT;
