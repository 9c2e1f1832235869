-- Deploy pgjikan:schema/ledger to pg
-- requires: schema/facet
-- requires: schema/freshness_policy
-- requires: schema/setting

-- The one book of what is known about the age of things: a row per facet of a title, mirrored or
-- not, says when it was stored, when it was asked for and what came of that, and before when nobody
-- may ask again. Every asker consults it, so nothing is asked twice for one answer. Rows are
-- narrow, no index holds what changes, and a page of the table has room for the 25 neighbours that
-- a page of a list confirms at once, so noting an answer is a heap-only update.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.ledger (
    mal_id integer NOT NULL CONSTRAINT ledger_mal_id_check CHECK (mal_id > 0),
    facet text NOT NULL REFERENCES jikan_sync.facet (name) ON DELETE CASCADE ON UPDATE CASCADE,
    status text,
    stored_at timestamptz,
    asked_at timestamptz,
    outcome text,
    miss_count integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    wished_by text,
    wished_at timestamptz,
    CONSTRAINT ledger_pkey PRIMARY KEY (mal_id, facet),
    CONSTRAINT ledger_miss_count_check CHECK (miss_count >= 0),
    CONSTRAINT ledger_wished_check CHECK ((wished_by IS null) = (wished_at IS null))
) WITH (fillfactor = 50);

CREATE INDEX ledger_facet_idx ON jikan_sync.ledger (facet);

CREATE INDEX ledger_wished_idx
ON jikan_sync.ledger (wished_by, wished_at) WHERE wished_by IS NOT null;

COMMENT ON TABLE jikan_sync.ledger IS
'When each facet of each title was stored, asked for, with what outcome, and before when nobody may
ask again; ids that are not mirrored have rows too.';
COMMENT ON COLUMN jikan_sync.ledger.mal_id IS 'MyAnimeList''s id; it need not be mirrored.';
COMMENT ON COLUMN jikan_sync.ledger.facet IS 'The facet.';
COMMENT ON COLUMN jikan_sync.ledger.status IS
'The title''s status, which chooses the policy: a copy, kept by a trigger of `jikan.anime`.';
COMMENT ON COLUMN jikan_sync.ledger.stored_at IS
'When an upstream last vouched for what is stored; NULL: never.';
COMMENT ON COLUMN jikan_sync.ledger.asked_at IS 'When an upstream was last asked for it by itself.';
COMMENT ON COLUMN jikan_sync.ledger.outcome IS
'What came of that: an outcome of `jikan_sync.ask_policy`, or partial (some pages are stored).';
COMMENT ON COLUMN jikan_sync.ledger.miss_count IS 'Answers in a row that brought nothing.';
COMMENT ON COLUMN jikan_sync.ledger.not_before IS
'Nobody asks before this; infinity: it was confirmed gone.';
COMMENT ON COLUMN jikan_sync.ledger.wished_by IS
'The login that asked for an id that was not mirrored, for the limits per login.';
COMMENT ON COLUMN jikan_sync.ledger.wished_at IS 'When it did, last.';

CREATE TABLE jikan_sync.ask_policy (
    outcome text PRIMARY KEY,
    base_delay interval NOT NULL,
    factor numeric(4, 2) NOT NULL,
    max_delay interval NOT NULL,
    description text NOT NULL,
    CONSTRAINT ask_policy_factor_check CHECK (factor BETWEEN 1 AND 99),
    CONSTRAINT ask_policy_delay_check CHECK (
        base_delay > interval '0' AND max_delay BETWEEN base_delay AND interval '366 days'
    )
);

COMMENT ON TABLE jikan_sync.ask_policy IS
'How long nobody asks again after an answer: after the nth of a kind in a row base_delay × factor^(n
- 1), at most max_delay.';
COMMENT ON COLUMN jikan_sync.ask_policy.outcome IS 'What came of asking.';
COMMENT ON COLUMN jikan_sync.ask_policy.base_delay IS 'The first pause.';
COMMENT ON COLUMN jikan_sync.ask_policy.factor IS 'What each further one multiplies it with.';
COMMENT ON COLUMN jikan_sync.ask_policy.max_delay IS 'The longest pause.';
COMMENT ON COLUMN jikan_sync.ask_policy.description IS 'When it holds.';

CREATE TRIGGER keep_names
BEFORE INSERT OR DELETE OR TRUNCATE OR UPDATE OF outcome ON jikan_sync.ask_policy
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_keep_names();

INSERT INTO jikan_sync.ask_policy (outcome, base_delay, factor, max_delay, description)
VALUES
('stored', '5 minutes', 1, '5 minutes', 'Stored, or found unchanged.'),
(
    'absent', '1 day', 2, '90 days',
    'The document that should bring the facet came without it, or empty where something is stored.'
),
(
    'not_found', '1 hour', 4, '30 days',
    'A 404 for what is not mirrored, or for a facet of its own. New entries answer 404 for a while.'
),
(
    'missing', '23 hours', 1, '23 hours',
    'A 404 for a mirrored title: it counts as gone after three on three days.'
),
(
    'rejected', '1 minute', 4, '7 days',
    'Without a task: the request was refused, or what came cannot be stored. A task has attempts.'
),
('dead', '7 days', 2, '60 days', 'Given up: the task became a dead letter.');

COMMIT;
