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
    max_characters integer NOT NULL CHECK (max_characters > 0),
    ms_per_input double precision NOT NULL CHECK (ms_per_input > 0),
    quota_timezone text NOT NULL DEFAULT 'UTC',
    reads_words boolean NOT NULL DEFAULT FALSE,
    failure_count integer NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
    doubt_count integer NOT NULL DEFAULT 0 CHECK (doubt_count >= 0),
    answered_at timestamptz NOT NULL DEFAULT '-infinity',
    inputs_limit integer CHECK (inputs_limit > 0),
    limited_until timestamptz,
    blocked_until timestamptz,
    blocked_reason text,
    CONSTRAINT embedding_provider_limited_check
    CHECK ((inputs_limit IS NULL) = (limited_until IS NULL)),
    CONSTRAINT embedding_provider_blocked_check
    CHECK ((blocked_until IS NULL) = (blocked_reason IS NULL))
);

COMMENT ON TABLE jikan_sync.embedding_provider IS
'Embeddings APIs: the size of their requests, and whether they answer; keys are not here.';
COMMENT ON COLUMN jikan_sync.embedding_provider.name IS 'local, google or google-legacy.';
COMMENT ON COLUMN jikan_sync.embedding_provider.max_inputs IS 'Most texts in one request.';
COMMENT ON COLUMN jikan_sync.embedding_provider.max_tokens IS
'Most tokens (estimated at 4 characters) in one request; one text alone may exceed it.';
COMMENT ON COLUMN jikan_sync.embedding_provider.max_characters IS
'How much of a text is sent: its models gain nothing from more, or refuse it.';
COMMENT ON COLUMN jikan_sync.embedding_provider.ms_per_input IS
'How long a text takes, averaged over the latest requests; for estimates.';
COMMENT ON COLUMN jikan_sync.embedding_provider.quota_timezone IS
'Where midnight renews the quota of a day.';
COMMENT ON COLUMN jikan_sync.embedding_provider.reads_words IS
'Whether single words are put to it, to read foreign ones: some 20,000 small texts, so only where
they cost nothing, and of use only where its models know many languages.';
COMMENT ON COLUMN jikan_sync.embedding_provider.failure_count IS
'Requests in a row that failed for no fault of their texts.';
COMMENT ON COLUMN jikan_sync.embedding_provider.doubt_count IS
'Those of them that said nothing of their cause; each halves the next request, down to one text.';
COMMENT ON COLUMN jikan_sync.embedding_provider.answered_at IS
'When it last answered a request: what fails alone after that is at fault itself.';
COMMENT ON COLUMN jikan_sync.embedding_provider.inputs_limit IS
'Most texts in one request for now: more have failed while fewer were answered. NULL: max_inputs.';
COMMENT ON COLUMN jikan_sync.embedding_provider.limited_until IS
'When `inputs_limit` is forgotten and more are tried again.';
COMMENT ON COLUMN jikan_sync.embedding_provider.blocked_until IS
'No request before this time; then one worker tries, and its success clears it.';
COMMENT ON COLUMN jikan_sync.embedding_provider.blocked_reason IS 'The outcome that blocked it.';

-- max_characters: the local model averages what it reads and never truncates. Measured on
-- descriptions of plots (bench/semantic.py): with 300 it finds few of them, from 600 of a synopsis
-- on more gains little and costs time. max_tokens: a quarter of what Google allows in a minute.
-- The more come at once, the longer is the pause that keeps them within a sliding minute.
INSERT INTO jikan_sync.embedding_provider (
    name, max_inputs, max_tokens, max_characters, ms_per_input, quota_timezone, reads_words
)
VALUES
('local', 32, 1000000, 800, 10, 'UTC', TRUE),
('google', 100, 7500, 8000, 20, 'America/Los_Angeles', FALSE),
('google-legacy', 100, 7500, 8000, 20, 'America/Los_Angeles', FALSE);

COMMIT;
