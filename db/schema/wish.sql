-- Deploy pgjikan:schema/wish to pg
-- requires: schema/facet
-- requires: schema/setting
-- requires: schema/clock

-- What readers wish for. A read appends here and does nothing else: no key at which two readers
-- could meet, no row that anyone waits for, in any isolation level. The next claim folds what is
-- committed into the queue, where it is one task however many wished for it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.wish (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    facet text,
    mal_id integer,
    query text,
    query_key text,
    priority text NOT NULL,
    login text NOT NULL DEFAULT session_user,
    wished_at timestamptz NOT NULL,
    CONSTRAINT wish_kind_check CHECK (kind IN ('search', 'facet', 'vector', 'query_vector')),
    CONSTRAINT wish_subject_check CHECK (
        CASE
            WHEN kind = 'facet' THEN facet IS NOT null AND mal_id > 0
            WHEN kind = 'vector' THEN mal_id > 0
            ELSE query IS NOT null AND query_key IS NOT null
        END
    ),
    CONSTRAINT wish_priority_check CHECK (priority IN ('high', 'low'))
)
WITH (
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX wish_query_key_idx ON jikan_sync.wish (query_key) WHERE kind = 'search';

COMMENT ON TABLE jikan_sync.wish IS
'What readers wish for, until `jikan_sync.fold_wishes` makes tasks of it. Append-only for readers.';
COMMENT ON COLUMN jikan_sync.wish.id IS
'In the order of wishing. Each reader gets its own, so none waits at the key.';
COMMENT ON COLUMN jikan_sync.wish.kind IS
'search (ask an upstream), facet (fetch it), vector (embed a title) or query_vector (embed a
query).';
COMMENT ON COLUMN jikan_sync.wish.facet IS 'The facet whose route is to be asked.';
COMMENT ON COLUMN jikan_sync.wish.mal_id IS 'The title, mirrored or not.';
COMMENT ON COLUMN jikan_sync.wish.query IS 'The query as typed.';
COMMENT ON COLUMN jikan_sync.wish.query_key IS 'The query as `jikan_sync.normalise_query` has it.';
COMMENT ON COLUMN jikan_sync.wish.priority IS 'high: a user waits for it; low: by the way.';
COMMENT ON COLUMN jikan_sync.wish.login IS
'Whose session wished; the limits are each login''s own.';
COMMENT ON COLUMN jikan_sync.wish.wished_at IS 'When.';

CREATE TABLE jikan_sync.wish_fold (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    folded_id bigint NOT NULL
) WITH (fillfactor = 10);

COMMENT ON TABLE jikan_sync.wish_fold IS
'One row: how far wishes were folded. Whoever folds holds it, so that one folds at a time.';
COMMENT ON COLUMN jikan_sync.wish_fold.is_only IS 'Always true: there is one row.';
COMMENT ON COLUMN jikan_sync.wish_fold.folded_id IS 'The latest wish that was folded.';

INSERT INTO jikan_sync.wish_fold (folded_id) VALUES (0);

CREATE TABLE jikan_sync.login_count (
    login text PRIMARY KEY,
    began_at timestamptz NOT NULL,
    high_count integer NOT NULL
) WITH (fillfactor = 50);

COMMENT ON TABLE jikan_sync.login_count IS
'How much of its minute''s allowance of fetches each login used. Written by the fold of wishes.';
COMMENT ON COLUMN jikan_sync.login_count.login IS 'The login.';
COMMENT ON COLUMN jikan_sync.login_count.began_at IS 'When the minute that is counted began.';
COMMENT ON COLUMN jikan_sync.login_count.high_count IS
'How many fetches of mirrored titles it had as high since then.';

CREATE FUNCTION jikan_sync.tg_notify_wish()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- PostgreSQL prepares no transaction that has notified: a sidecar finds that wish by its poll.
    IF current_query() !~* '\mprepare\s+transaction\M' THEN
        PERFORM pg_notify('jikan_sync', '');
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_notify_wish() IS
'Notifies channel `jikan_sync` (empty payload) at the end of a transaction that wished for something
a user waits for; not where that end is PREPARE TRANSACTION.';

CREATE CONSTRAINT TRIGGER notify_wish
AFTER INSERT ON jikan_sync.wish
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.priority = 'high')
EXECUTE FUNCTION jikan_sync.tg_notify_wish();

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'wish_max', '10000', 'number', '1', '10000000',
    'Wishes of readers that may wait to be folded; more are dropped. Only where no sidecar runs, '
    'or a flood is on, do they come to so many.'
),
(
    'wish_per_transaction', '500', 'number', '1', '10000000',
    'Wishes that one transaction of a reader may append; more are dropped.'
),
(
    'unknown_per_minute', '30', 'number', '0', '100000',
    'Ids that are not mirrored that a login may ask for per minute as high; as many again go as '
    'low, and what is over that is refused. While the last ones do not exist it shrinks, to a '
    'twentieth.'
),
(
    'unknown_per_hour', '600', 'number', '0', '1000000',
    'Ids that are not mirrored that a login may ask for per hour.'
),
(
    'facet_per_minute', '30', 'number', '0', '100000',
    'Fetches of mirrored titles and their facets that a login may have as high in a minute; what '
    'is over that waits among the low ones. 30: half of what the shipped provider allows.'
),
(
    'max_low_facets', '1000', 'number', '0', '1000000',
    'Fetches of facets that may wait as low before what readers wish for as low is dropped. At 60 '
    'requests a minute: 17 minutes.'
);

COMMIT;
