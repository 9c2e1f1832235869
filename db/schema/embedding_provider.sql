-- Deploy pgjikan:schema/embedding_provider to pg
-- requires: schema/clock

-- What is true of an embeddings API whatever its model: how much it takes in one request, and
-- whether it is answering. Its limits per minute and day are rows of jikan_sync.rate_limit, subject
-- embedding:NAME.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.embedding_provider (
    name text PRIMARY KEY,
    max_inputs integer NOT NULL CHECK (max_inputs BETWEEN 1 AND 1000),
    max_tokens integer NOT NULL CHECK (max_tokens > 0),
    ms_per_input double precision NOT NULL CHECK (ms_per_input > 0),
    quota_timezone text NOT NULL DEFAULT 'UTC',
    failure_count integer NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
    blocked_until timestamptz,
    blocked_reason text,
    CONSTRAINT embedding_provider_blocked_check
    CHECK ((blocked_until IS null) = (blocked_reason IS null))
);

COMMENT ON TABLE jikan_sync.embedding_provider IS
'Embeddings APIs: the size of their requests, and whether they answer; keys are not here.';
COMMENT ON COLUMN jikan_sync.embedding_provider.name IS 'local, google or google-legacy.';
COMMENT ON COLUMN jikan_sync.embedding_provider.max_inputs IS 'Most texts in one request.';
COMMENT ON COLUMN jikan_sync.embedding_provider.max_tokens IS
'Most tokens (estimated at 4 characters) in one request; one text alone may exceed it.';
COMMENT ON COLUMN jikan_sync.embedding_provider.ms_per_input IS
'How long a text takes, averaged over the latest requests; for estimates.';
COMMENT ON COLUMN jikan_sync.embedding_provider.quota_timezone IS
'Where midnight renews the quota of a day.';
COMMENT ON COLUMN jikan_sync.embedding_provider.failure_count IS
'Requests in a row that failed for no fault of their texts.';
COMMENT ON COLUMN jikan_sync.embedding_provider.blocked_until IS
'No request before this time; then one worker tries, and its success clears it.';
COMMENT ON COLUMN jikan_sync.embedding_provider.blocked_reason IS 'The outcome that blocked it.';

-- max_tokens: one request must fit the provider's tokens of a minute, or it is never let through.
INSERT INTO jikan_sync.embedding_provider (
    name, max_inputs, max_tokens, ms_per_input, quota_timezone
)
VALUES
('local', 32, 1000000, 7, 'UTC'),
('google', 100, 20000, 20, 'America/Los_Angeles'),
('google-legacy', 100, 20000, 20, 'America/Los_Angeles');

COMMIT;
