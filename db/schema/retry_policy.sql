-- Deploy pgjikan:schema/retry_policy to pg
-- requires: schema/setting

-- How long a failed task waits and when it is given up, by the class of its failure: a row's own
-- fault costs an attempt, a provider's does not.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.retry_policy (
    error_class text PRIMARY KEY,
    max_attempts integer,
    base_delay interval NOT NULL,
    factor numeric(4, 2) NOT NULL,
    max_delay interval NOT NULL,
    CONSTRAINT retry_policy_max_attempts_check CHECK (max_attempts > 0),
    CONSTRAINT retry_policy_factor_check CHECK (factor BETWEEN 1 AND 99),
    CONSTRAINT retry_policy_delay_check CHECK (
        base_delay > interval '0' AND max_delay BETWEEN base_delay AND interval '30 days'
    )
);

COMMENT ON TABLE jikan_sync.retry_policy IS
'What follows from a failure, by its class: the nth in a row waits base_delay × factor^(n - 1), at
most max_delay, a quarter more or less by chance.';
COMMENT ON COLUMN jikan_sync.retry_policy.error_class IS
'row: the task''s own fault; rate_limited and provider_down: the provider''s; title_down: the
provider fails at this and answers others; bug: ours; lease_expired: its worker vanished.';
COMMENT ON COLUMN jikan_sync.retry_policy.max_attempts IS
'The attempt after which the task is given up; NULL: charges no attempt, retried for ever.';
COMMENT ON COLUMN jikan_sync.retry_policy.base_delay IS 'The first wait.';
COMMENT ON COLUMN jikan_sync.retry_policy.factor IS
'What each further failure multiplies the wait with.';
COMMENT ON COLUMN jikan_sync.retry_policy.max_delay IS 'The longest wait.';

CREATE TRIGGER keep_names
BEFORE INSERT OR DELETE OR TRUNCATE OR UPDATE OF error_class ON jikan_sync.retry_policy
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_keep_names();

INSERT INTO jikan_sync.retry_policy (error_class, max_attempts, base_delay, factor, max_delay)
VALUES
('row', 5, '1 minute', 4, '6 hours'),
('rate_limited', NULL, '5 seconds', 2, '10 minutes'),
('provider_down', NULL, '15 seconds', 2, '15 minutes'),
('title_down', NULL, '1 minute', 4, '6 hours'),
('bug', 5, '5 minutes', 6, '1 day'),
('lease_expired', 5, '10 seconds', 4, '1 hour');

COMMIT;
