-- Deploy pgjikan:functions/store/note_missing to pg
-- requires: functions/freshness/ledger
-- requires: functions/queue/enqueue

-- When a title that an upstream no longer knows is really gone: three 404 on three days. One is not
-- enough, because new entries have answered 404 for a while, and an hour of them is one outage.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.note_missing(mal_id integer)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_is_mirrored boolean;
    v_is_removed boolean;
BEGIN
    UPDATE jikan.anime AS a SET
        missing_count = a.missing_count + 1,
        first_missing_at = coalesce(a.first_missing_at, v_now),
        last_missing_at = v_now,
        removed_at = CASE
            WHEN a.missing_count >= 2 THEN coalesce(a.removed_at, v_now)
            ELSE a.removed_at
        END
    WHERE
        a.mal_id = note_missing.mal_id
        -- A day apart, less what a job that runs daily may be early.
        AND (a.last_missing_at IS NULL OR a.last_missing_at <= jikan_sync.earlier(v_now, '23 hours'))
    RETURNING a.removed_at IS NOT NULL INTO v_is_removed;
    v_is_mirrored := FOUND OR EXISTS (
        SELECT FROM jikan.anime AS a WHERE a.mal_id = note_missing.mal_id
    );
    PERFORM jikan_sync.note_answer(
        'core', mal_id, CASE WHEN v_is_mirrored THEN 'missing' ELSE 'not_found' END
    );
    RETURN coalesce(v_is_removed, false);
END;
$$;

COMMENT ON FUNCTION jikan_sync.note_missing(integer) IS
'Notes a 404 for a title: of a mirrored one at most one a day, and the third tombstones it. Answers
whether the title counts as gone now. A stored document clears it.';

CREATE FUNCTION jikan_sync.confirm_missing()
RETURNS integer
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT
        jikan_sync.enqueue_many(
            'anime',
            (
                SELECT array_agg(a.mal_id)
                FROM jikan.anime AS a
                WHERE
                    a.missing_count > 0
                    AND a.removed_at IS null
                    AND jikan_sync.may_ask('core', a.mal_id)
            )
        );
END;

COMMENT ON FUNCTION jikan_sync.confirm_missing() IS
'Asks again for titles whose 404 is not confirmed yet; answers how many tasks are new.';

COMMIT;
