-- Deploy pgjikan:schema/search_request to pg
-- requires: schema/clock
-- requires: schema/setting

-- What was asked upstream and what came back, by normalised query: the same question is asked once,
-- and what an upstream search found answers it later, even where the words do not match. An outage
-- is not an answer: it is remembered apart, and shorter.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.search_request (
    query_key text PRIMARY KEY,
    state text NOT NULL DEFAULT 'pending',
    requested_at timestamptz,
    answered_at timestamptz,
    failed_at timestamptz,
    mal_ids integer[],
    requested_by text NOT NULL DEFAULT session_user,
    asked_count integer NOT NULL DEFAULT 0,
    CONSTRAINT search_request_state_check CHECK (state IN ('pending', 'fetched', 'unavailable')),
    CONSTRAINT search_request_answer_check CHECK ((answered_at IS null) = (mal_ids IS null)),
    CONSTRAINT search_request_fetched_check CHECK (state <> 'fetched' OR answered_at IS NOT null),
    CONSTRAINT search_request_pending_check CHECK (state <> 'pending' OR requested_at IS NOT null),
    CONSTRAINT search_request_failed_check CHECK (state <> 'unavailable' OR failed_at IS NOT null)
);

CREATE INDEX search_request_requested_at_idx
ON jikan_sync.search_request (requested_by, requested_at);

CREATE INDEX search_request_answered_at_idx
ON jikan_sync.search_request (requested_by, answered_at);

COMMENT ON TABLE jikan_sync.search_request IS
'What was asked upstream and what came back, by normalised query.';
COMMENT ON COLUMN jikan_sync.search_request.query_key IS
'The query as `jikan_sync.normalise_query` writes it.';
COMMENT ON COLUMN jikan_sync.search_request.state IS
'pending: on its way; fetched: answered, perhaps by nothing; unavailable: no upstream answered.';
COMMENT ON COLUMN jikan_sync.search_request.requested_at IS 'When it was last queued.';
COMMENT ON COLUMN jikan_sync.search_request.answered_at IS 'When an upstream last answered.';
COMMENT ON COLUMN jikan_sync.search_request.failed_at IS 'When no upstream could be asked, last.';
COMMENT ON COLUMN jikan_sync.search_request.mal_ids IS
'What it found, in the upstream''s order; empty: nothing.';
COMMENT ON COLUMN jikan_sync.search_request.requested_by IS
'The login that last asked; the limits against floods are each login''s own.';

COMMENT ON COLUMN jikan_sync.search_request.asked_count IS
'How often readers wished for it while the database did not know.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'search_interval', '5 minutes', 'interval', '0', '1 day',
    'The same normalised query goes upstream at most once in this time, found or not.'
),
(
    'search_outage_interval', '30 seconds', 'interval', '0', '1 day',
    'After an outage the same query may be asked again this soon.'
),
(
    'search_learned_for', '30 days', 'interval', '0', '3660 days',
    'How long what an upstream search found answers the same query.'
),
(
    'search_per_minute', '30', 'number', '0', '100000',
    'New questions of a minute and a login that go upstream as high; as many again go as low, and '
    'what is over that is refused. While the last answers found nothing it shrinks, to a twentieth.'
),
(
    'search_per_hour', '600', 'number', '0', '1000000',
    'New questions of an hour and a login that go upstream: 14,400 a day at the most.'
);

COMMIT;
