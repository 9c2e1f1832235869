-- Deploy pgjikan:functions/freshness/ledger to pg
-- requires: functions/freshness/is_stale
-- requires: schema/anime

-- Writing and consulting the ledger. Whether something may be asked for is decided by
-- `jikan_sync.may_ask` and nowhere else; what an answer means for the next asking by
-- `jikan_sync.note_answer`. The core's rows follow jikan.anime by a trigger, whoever writes it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.may_ask(facet text, mal_id integer)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        NOT EXISTS (
            SELECT
            FROM jikan_sync.ledger AS l
            WHERE
                l.mal_id = may_ask.mal_id
                AND l.facet = may_ask.facet
                AND l.not_before > jikan_sync.clock_now()
        );
END;

COMMENT ON FUNCTION jikan_sync.may_ask(text, integer) IS
'Whether an upstream may be asked for a facet of a title now: its last answer does not forbid it
yet. Every asker consults this, reads, jobs and people alike.';

CREATE FUNCTION jikan_sync.answer_pause(outcome text, times integer)
RETURNS interval
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        make_interval(
            secs => least(
                extract(EPOCH FROM p.max_delay)::double precision,
                extract(EPOCH FROM p.base_delay)::double precision
                -- The exponent is bounded before the power, or years of 404 overflow.
                * power(p.factor::double precision, least(answer_pause.times, 100) - 1)
            )
        )
    FROM jikan_sync.ask_policy AS p
    WHERE p.outcome = answer_pause.outcome;
END;

COMMENT ON FUNCTION jikan_sync.answer_pause(text, integer) IS
'How long nobody asks again after the `times`-th answer of this outcome in a row.';

CREATE FUNCTION jikan_sync.note_answer(facet text, mal_id integer, outcome text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_is_miss boolean := note_answer.outcome NOT IN ('stored', 'partial');
BEGIN
    INSERT INTO jikan_sync.ledger AS l (
        mal_id, facet, status, asked_at, outcome, miss_count, not_before
    )
    VALUES (
        note_answer.mal_id,
        note_answer.facet,
        (SELECT a.status FROM jikan.anime AS a WHERE a.mal_id = note_answer.mal_id),
        v_now,
        note_answer.outcome,
        v_is_miss::integer,
        jikan_sync.later(
            v_now, coalesce(jikan_sync.answer_pause(note_answer.outcome, 1), interval '0')
        )
    )
    ON CONFLICT (mal_id, facet) DO UPDATE SET
        asked_at = excluded.asked_at,
        outcome = excluded.outcome,
        miss_count = CASE WHEN v_is_miss THEN l.miss_count + 1 ELSE 0 END,
        not_before = CASE
            WHEN l.not_before = 'infinity' AND v_is_miss THEN l.not_before
            ELSE jikan_sync.later(
                v_now,
                coalesce(
                    jikan_sync.answer_pause(note_answer.outcome, l.miss_count + 1), interval '0'
                )
            )
        END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.note_answer(text, integer, text) IS
'Notes what came of asking for a facet of a title, mirrored or not: an outcome of
`jikan_sync.ask_policy`, which says for how long nobody asks again, or partial (more pages to
come).';

CREATE FUNCTION jikan_sync.note_stored(facet text, mal_id integer, stored_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO jikan_sync.ledger AS l (mal_id, facet, status, stored_at)
    SELECT a.mal_id, note_stored.facet, a.status, note_stored.stored_at
    FROM jikan.anime AS a
    WHERE a.mal_id = note_stored.mal_id
    ON CONFLICT (mal_id, facet) DO UPDATE SET
        stored_at = excluded.stored_at,
        status = excluded.status
    WHERE l.stored_at IS NULL OR l.stored_at <= excluded.stored_at;
    RETURN FOUND;
END;
$$;

COMMENT ON FUNCTION jikan_sync.note_stored(text, integer, timestamptz) IS
'Notes that a facet is stored as it was upstream at `stored_at`; false where the title is not
mirrored or what is stored is younger: then the caller must not store.';

CREATE FUNCTION jikan_sync.forget_answer(facet text, mal_id integer)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE jikan_sync.ledger AS l SET
        miss_count = 0,
        not_before = '-infinity'
    WHERE
        l.mal_id = forget_answer.mal_id
        AND l.facet = forget_answer.facet
        AND l.not_before > '-infinity';
    RETURN FOUND;
END;
$$;

COMMENT ON FUNCTION jikan_sync.forget_answer(text, integer) IS
'Lets a facet be asked for again at once, whatever its last answer; answers whether it was waiting.
For an operator who mended the cause, as `jikan_sync.redrive` does.';

CREATE FUNCTION jikan_sync.facet_synced_at(facet text, mal_id integer)
RETURNS timestamptz
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT l.stored_at
    FROM jikan_sync.ledger AS l
    WHERE l.mal_id = facet_synced_at.mal_id AND l.facet = facet_synced_at.facet;
END;

COMMENT ON FUNCTION jikan_sync.facet_synced_at(text, integer) IS
'When an upstream last vouched for a facet of a title; NULL: never.';

CREATE FUNCTION jikan_sync.is_unknown_upstream(mal_id integer, facet text DEFAULT 'core')
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        EXISTS (  -- noqa: LT06, LT01, CP03
            SELECT
            FROM jikan_sync.ledger AS l
            WHERE
                l.mal_id = is_unknown_upstream.mal_id
                AND l.facet = is_unknown_upstream.facet
                AND l.outcome IN ('not_found', 'missing')
                AND l.not_before > jikan_sync.clock_now()
        );
END;

COMMENT ON FUNCTION jikan_sync.is_unknown_upstream(integer, text) IS
'Whether an upstream answered 404 for a facet of a title, or for the title, and nobody may ask again
yet.';

CREATE FUNCTION jikan_sync.tg_keep_ledger()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM jikan_sync.ledger AS l USING old_row AS o WHERE l.mal_id = o.mal_id;
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO jikan_sync.ledger AS l (mal_id, facet, status, stored_at, not_before)
        SELECT
            n.mal_id,
            f.facet,
            n.status,
            f.stored_at,
            CASE WHEN n.removed_at IS NULL THEN '-infinity' ELSE 'infinity' END::timestamptz
        FROM new_row AS n
        CROSS JOIN LATERAL (
            VALUES
            ('core', n.last_jikan_sync),
            ('themes', n.full_synced_at),
            ('relations', n.full_synced_at),
            ('links', n.full_synced_at)
        ) AS f (facet, stored_at)
        WHERE f.stored_at IS NOT NULL
        ORDER BY n.id
        ON CONFLICT ON CONSTRAINT ledger_pkey DO UPDATE SET
            stored_at = excluded.stored_at,
            status = excluded.status,
            miss_count = 0,
            not_before = excluded.not_before;
        RETURN NULL;
    END IF;

    INSERT INTO jikan_sync.ledger AS l (mal_id, facet, status, stored_at)
    SELECT n.mal_id, f.facet, n.status, f.stored_at
    FROM new_row AS n
    INNER JOIN old_row AS o ON o.id = n.id
    CROSS JOIN LATERAL (
        VALUES
        ('core', n.last_jikan_sync, o.last_jikan_sync),
        ('themes', n.full_synced_at, o.full_synced_at),
        ('relations', n.full_synced_at, o.full_synced_at),
        ('links', n.full_synced_at, o.full_synced_at)
    ) AS f (facet, stored_at, was_stored_at)
    WHERE f.stored_at IS DISTINCT FROM f.was_stored_at
    ORDER BY n.id
    ON CONFLICT ON CONSTRAINT ledger_pkey DO UPDATE SET
        stored_at = excluded.stored_at,
        -- An answer that brought it ends what misses forbade.
        not_before = CASE WHEN l.miss_count > 0 THEN '-infinity' ELSE l.not_before END,
        miss_count = 0;

    UPDATE jikan_sync.ledger AS l SET
        status = n.status,
        not_before = CASE
            WHEN l.facet <> 'core' OR (n.removed_at IS NULL) = (o.removed_at IS NULL)
                THEN l.not_before
            WHEN n.removed_at IS NULL THEN '-infinity'
            ELSE 'infinity'
        END
    FROM new_row AS n
    INNER JOIN old_row AS o ON o.id = n.id
    WHERE l.mal_id = n.mal_id
        AND (
            n.status IS DISTINCT FROM o.status
            OR (n.removed_at IS NULL) <> (o.removed_at IS NULL)
        );
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_keep_ledger() IS
'Keeps the ledger in step with jikan.anime: when the core and what comes with it were stored, the
status that chooses the policy, and that nobody asks for a title confirmed gone.';

CREATE TRIGGER keep_ledger_of_new
AFTER INSERT ON jikan.anime
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_keep_ledger();

CREATE TRIGGER keep_ledger_of_changed
AFTER UPDATE ON jikan.anime
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_keep_ledger();

CREATE TRIGGER keep_ledger_of_deleted
AFTER DELETE ON jikan.anime
REFERENCING OLD TABLE AS old_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_keep_ledger();

COMMIT;
