-- Deploy pgjikan:schema/queue to pg
-- requires: schema/anime
-- requires: schema/setting

-- The work that waits for a sidecar: one live row per thing to do, a copy of each finished try in
-- the history, and a dead letter for what kept failing. Leasing a task changes no indexed column,
-- so that it stays a heap-only update: at a million waiting tasks a claim leaves nothing behind in
-- any index, and a page cleans itself. What is leased is found by a table of its own.
--
-- Locks are taken in this order, here and everywhere: the mutex of who adds titles, anime by id,
-- then the ledger and what was asked upstream, then the queue, then runs, then breakers, limits and
-- statistics. Whoever cannot keep to it (the fold of wishes) waits for nobody.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.task_key(task text, mal_id integer, anime_id bigint, payload jsonb)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN task_key.task = 'anime'
                THEN 'anime:' || task_key.mal_id::text
            WHEN task_key.task = 'facet'
                THEN (task_key.payload ->> 'facet') || ':' || task_key.mal_id::text
            WHEN task_key.task = 'embed'
                THEN 'embed:' || task_key.anime_id::text
            WHEN task_key.task IN ('search', 'embed_query')
                THEN task_key.task || ':' || (task_key.payload ->> 'query_key')
            WHEN task_key.task = 'season' AND task_key.payload ? 'year'
                THEN
                    'season:' || (task_key.payload ->> 'year')
                    || ':' || (task_key.payload ->> 'season')
            WHEN task_key.task = 'season'
                THEN 'season:' || (task_key.payload ->> 'season')
            WHEN task_key.task IN ('catalogue', 'recommendations') THEN task_key.task
        END;
END;

COMMENT ON FUNCTION jikan_sync.task_key(text, integer, bigint, jsonb) IS
'What makes two tasks the same thing to do; NULL where the task lacks what names it.';

CREATE TABLE jikan_sync.queue (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task text NOT NULL,
    lane text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN task IN ('embed', 'embed_query') THEN 'embedding' ELSE 'jikan' END
    ) STORED,
    anime_id bigint REFERENCES jikan.anime (id) ON DELETE CASCADE,
    mal_id integer,
    payload jsonb NOT NULL DEFAULT '{}',
    priority text NOT NULL DEFAULT 'low',
    dedupe_key text NOT NULL GENERATED ALWAYS AS (
        jikan_sync.task_key(task, mal_id, anime_id, payload)
    ) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    ready_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    errors jsonb NOT NULL DEFAULT '[]',
    is_dirty boolean NOT NULL DEFAULT false,
    next_payload jsonb,
    leased_by text,
    lease_token uuid,
    lease_expires_at timestamptz,
    CONSTRAINT queue_dedupe_key_key UNIQUE (dedupe_key),
    CONSTRAINT queue_task_check CHECK (
        task IN (
            'search', 'anime', 'facet', 'season', 'catalogue', 'recommendations', 'embed',
            'embed_query'
        )
    ),
    CONSTRAINT queue_priority_check CHECK (priority IN ('high', 'low')),
    CONSTRAINT queue_attempts_check CHECK (attempts >= 0 AND failures >= attempts),
    CONSTRAINT queue_lease_check CHECK (
        (lease_token IS null) = (lease_expires_at IS null)
        AND (lease_token IS null) = (leased_by IS null)
        AND NOT (is_dirty AND lease_token IS null)
        AND NOT (next_payload IS NOT null AND NOT is_dirty)
    )
)
WITH (
    fillfactor = 70,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX queue_claim_idx ON jikan_sync.queue (lane, priority, ready_at, id);

CREATE INDEX queue_anime_id_idx ON jikan_sync.queue (anime_id) WHERE anime_id IS NOT null;

CREATE INDEX queue_flood_idx ON jikan_sync.queue (task, priority)
WHERE task IN ('search', 'embed_query', 'facet') OR anime_id IS null AND priority = 'high';

COMMENT ON TABLE jikan_sync.queue IS
'What waits to be done or is being done; finished tasks move to `jikan_sync.queue_history`.';
COMMENT ON COLUMN jikan_sync.queue.id IS 'The task.';
COMMENT ON COLUMN jikan_sync.queue.task IS
'search, anime (one /full document), facet (a page of another facet), season, catalogue,
recommendations (a page of the latest), embed or embed_query.';
COMMENT ON COLUMN jikan_sync.queue.lane IS 'Who does it: the jikan lane or the embedding lane.';
COMMENT ON COLUMN jikan_sync.queue.anime_id IS 'The mirrored anime it is about, if one is.';
COMMENT ON COLUMN jikan_sync.queue.mal_id IS 'The MyAnimeList id it is about, if one is.';
COMMENT ON COLUMN jikan_sync.queue.payload IS
'Further arguments: facet, query and query_key, year, season, page; requested_by, the login whose
text it is to embed, for the limit per login.';
COMMENT ON COLUMN jikan_sync.queue.priority IS 'high: a user waits for it; low: bulk.';
COMMENT ON COLUMN jikan_sync.queue.dedupe_key IS
'One live task per thing to do: `jikan_sync.task_key`.';
COMMENT ON COLUMN jikan_sync.queue.created_at IS 'When it was asked for first.';
COMMENT ON COLUMN jikan_sync.queue.ready_at IS
'Not before; infinity: held until a job releases it.';
COMMENT ON COLUMN jikan_sync.queue.attempts IS 'Failures that were its own fault.';
COMMENT ON COLUMN jikan_sync.queue.failures IS 'All failures; the next wait grows with them.';
COMMENT ON COLUMN jikan_sync.queue.errors IS 'The last failures, each with at, class and message.';
COMMENT ON COLUMN jikan_sync.queue.is_dirty IS 'Asked for again while leased: do it once more.';
COMMENT ON COLUMN jikan_sync.queue.next_payload IS
'What it is to be done with once more: the lease under way keeps its own `payload`.';
COMMENT ON COLUMN jikan_sync.queue.leased_by IS 'The worker that holds it.';
COMMENT ON COLUMN jikan_sync.queue.lease_token IS
'Proof of the lease; only its holder may finish it.';
COMMENT ON COLUMN jikan_sync.queue.lease_expires_at IS 'When the lease runs out and it goes back.';

CREATE TABLE jikan_sync.lease (
    token uuid PRIMARY KEY,
    worker text NOT NULL,
    task_ids bigint[] NOT NULL
)
WITH (
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_cost_delay = 0
);

COMMENT ON TABLE jikan_sync.lease IS
'Which tasks a claim took, so that what a worker holds is found without reading the queue. The
queue''s rows are the truth; the sweep forgets claims of which nothing is left.';
COMMENT ON COLUMN jikan_sync.lease.token IS 'The claim''s token, as in `jikan_sync.queue`.';
COMMENT ON COLUMN jikan_sync.lease.worker IS 'The worker that claimed.';
COMMENT ON COLUMN jikan_sync.lease.task_ids IS 'What it took.';

CREATE TABLE jikan_sync.queue_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id bigint NOT NULL,
    task text NOT NULL,
    mal_id integer,
    payload jsonb NOT NULL,
    priority text NOT NULL,
    created_at timestamptz NOT NULL,
    processed_at timestamptz NOT NULL,
    outcome text NOT NULL,
    error_class text,
    message text,
    worker text,
    CONSTRAINT queue_history_outcome_check CHECK (outcome IN ('done', 'failed', 'dead')),
    CONSTRAINT queue_history_error_check CHECK ((outcome = 'done') = (error_class IS null))
);

CREATE INDEX queue_history_processed_at_idx ON jikan_sync.queue_history (processed_at);

COMMENT ON TABLE jikan_sync.queue_history IS
'What was done and what failed, one row a try, kept for the setting `history_retention`.';
COMMENT ON COLUMN jikan_sync.queue_history.id IS 'The entry.';
COMMENT ON COLUMN jikan_sync.queue_history.task_id IS 'The task''s id while it was live.';
COMMENT ON COLUMN jikan_sync.queue_history.task IS 'What it was.';
COMMENT ON COLUMN jikan_sync.queue_history.mal_id IS 'The MyAnimeList id it was about.';
COMMENT ON COLUMN jikan_sync.queue_history.payload IS 'Its further arguments.';
COMMENT ON COLUMN jikan_sync.queue_history.priority IS 'Its priority at the end.';
COMMENT ON COLUMN jikan_sync.queue_history.created_at IS 'When it was asked for.';
COMMENT ON COLUMN jikan_sync.queue_history.processed_at IS 'When it was done or failed.';
COMMENT ON COLUMN jikan_sync.queue_history.outcome IS
'done; failed: it will be tried again; dead: it became a dead letter.';
COMMENT ON COLUMN jikan_sync.queue_history.error_class IS 'The class of the failure.';
COMMENT ON COLUMN jikan_sync.queue_history.message IS 'What went wrong.';
COMMENT ON COLUMN jikan_sync.queue_history.worker IS 'Who tried.';

CREATE TABLE jikan_sync.dead_letter (
    id bigint PRIMARY KEY,
    task text NOT NULL,
    anime_id bigint REFERENCES jikan.anime (id) ON DELETE CASCADE,
    mal_id integer,
    payload jsonb NOT NULL,
    priority text NOT NULL,
    dedupe_key text NOT NULL,
    created_at timestamptz NOT NULL,
    died_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    errors jsonb NOT NULL,
    CONSTRAINT dead_letter_dedupe_key_key UNIQUE (dedupe_key)
);

CREATE INDEX dead_letter_anime_id_idx
ON jikan_sync.dead_letter (anime_id) WHERE anime_id IS NOT null;

COMMENT ON TABLE jikan_sync.dead_letter IS
'Tasks given up after their last attempt; `jikan_sync.redrive` brings them back.';
COMMENT ON COLUMN jikan_sync.dead_letter.id IS 'The task''s id while it was live.';
COMMENT ON COLUMN jikan_sync.dead_letter.task IS 'What it was.';
COMMENT ON COLUMN jikan_sync.dead_letter.anime_id IS 'The mirrored anime it is about, if one is.';
COMMENT ON COLUMN jikan_sync.dead_letter.mal_id IS 'The MyAnimeList id it is about, if one is.';
COMMENT ON COLUMN jikan_sync.dead_letter.payload IS 'Its further arguments.';
COMMENT ON COLUMN jikan_sync.dead_letter.priority IS 'Its priority at the end.';
COMMENT ON COLUMN jikan_sync.dead_letter.dedupe_key IS
'One dead letter per thing to do: the latest.';
COMMENT ON COLUMN jikan_sync.dead_letter.created_at IS 'When it was asked for.';
COMMENT ON COLUMN jikan_sync.dead_letter.died_at IS 'When it was given up.';
COMMENT ON COLUMN jikan_sync.dead_letter.attempts IS 'How many attempts it was given.';
COMMENT ON COLUMN jikan_sync.dead_letter.reason IS 'The class of its last error.';
COMMENT ON COLUMN jikan_sync.dead_letter.message IS 'The message of its last error.';
COMMENT ON COLUMN jikan_sync.dead_letter.errors IS
'Its last failures, each with at, class and message.';

CREATE TYPE jikan_sync.claimed_task AS (
    id bigint,
    task text,
    anime_id bigint,
    mal_id integer,
    payload jsonb,
    priority text,
    attempts integer,
    lease_token uuid,
    lease_expires_at timestamptz,
    dedupe_key text
);

CREATE TYPE jikan_sync.new_task AS (
    task text,
    anime_id bigint,
    mal_id integer,
    payload jsonb,
    priority text,
    ready_at timestamptz,
    created_at timestamptz,
    errors jsonb
);

COMMENT ON TYPE jikan_sync.new_task IS
'A task to put into the queue, as `jikan_sync.put_tasks` takes it.';

COMMENT ON TYPE jikan_sync.claimed_task IS
'A task that a worker has leased, as `jikan_sync.claim` gives it.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'lease_duration', '5 minutes', 'interval', '100 milliseconds', '1 day',
    'How long a worker may hold a task before it goes back; far over the slowest request or batch.'
),
(
    'low_share', '0.2', 'number', '0', '1',
    'The share of claims that low tasks keep while high ones wait; 0.2: one in five.'
),
(
    'low_ages_after', '1 hour', 'interval', '1 second', '30 days',
    'While a low task has been ready for so long, low counts as high: the two take turns.'
),
(
    'max_live_searches', '200', 'number', '0', '100000',
    'Upstream searches of a login that may wait at once; more are refused. At 60 requests a '
    'minute: 4 minutes.'
),
(
    'max_high_searches', '20', 'number', '0', '100000',
    'How many of the waiting searches may be high; the next ones wait as low.'
),
(
    'max_live_query_embeddings', '200', 'number', '0', '100000',
    'Query texts of a login that may wait for their vector at once; more are refused.'
),
(
    'max_unknown_anime', '200', 'number', '0', '100000',
    'Fetches of ids we do not mirror that may wait as high at once. Then a login of which so many '
    'wait is refused, and what others ask for waits as low.'
);

COMMIT;
