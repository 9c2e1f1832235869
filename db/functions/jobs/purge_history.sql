-- Deploy pgjikan:functions/jobs/purge_history to pg
-- requires: schema/queue
-- requires: schema/job
-- requires: schema/rejected_document
-- requires: schema/request_stat
-- requires: functions/search/search_answer
-- requires: functions/freshness/refresh_stale
-- requires: functions/freshness/ledger
-- requires: functions/jobs/purge_cron_runs

-- What only grows is cut here: the one place that knows how long each kind of history is kept.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES (
    'history_retention', '7 days', 'interval', '1 hour', '3660 days',
    'How long finished tasks, runs of jobs, walks and pg_cron, and rejected documents are kept.'
);

CREATE FUNCTION jikan_sync.purge_history()
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_before timestamptz := jikan_sync.earlier(
        v_now, jikan_sync.setting_interval('history_retention')
    );
    v_count bigint;
    v_total bigint;
BEGIN
    DELETE FROM jikan_sync.queue_history AS h WHERE h.processed_at < v_before;
    GET DIAGNOSTICS v_total = ROW_COUNT;
    DELETE FROM jikan_sync.job_run AS r WHERE r.started_at < v_before;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_total := v_total + v_count;
    DELETE FROM jikan_sync.rejected_document AS d WHERE d.last_seen_at < v_before;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_total := v_total + v_count;
    -- The last walk of each kind stays: it knows the size of the catalogue and spares a repetition.
    DELETE FROM jikan_sync.sync_run AS r
    WHERE
        r.finished_at < v_before
        AND EXISTS (
            SELECT FROM jikan_sync.sync_run AS n
            WHERE
                n.kind = r.kind
                AND n.year IS NOT DISTINCT FROM r.year
                AND n.season IS NOT DISTINCT FROM r.season
                AND n.finished_at > r.finished_at
        );
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_total := v_total + v_count;
    DELETE FROM jikan_sync.request_stat AS s WHERE s.hour < jikan_sync.earlier(v_now, '365 days');
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_total := v_total + v_count;
    -- Ids that were never mirrored are forgotten once asking is allowed again for long enough; not
    -- those that still wait, of which each login may have so many.
    DELETE FROM jikan_sync.ledger AS l
    WHERE l.not_before < jikan_sync.earlier(v_now, '30 days')
        AND l.stored_at IS NULL
        AND coalesce(l.wished_at, '-infinity') < v_before
        AND NOT EXISTS (SELECT FROM jikan.anime AS a WHERE a.mal_id = l.mal_id)
        AND NOT EXISTS (
            SELECT FROM jikan_sync.queue AS q WHERE q.dedupe_key = 'anime:' || l.mal_id
        );
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_total := v_total + v_count;
    DELETE FROM jikan_sync.refresh_budget AS b WHERE b.day < (v_before AT TIME ZONE 'UTC')::date;
    v_total := v_total + jikan_sync.purge_search_requests();

    RETURN v_total + jikan_sync.purge_cron_runs(v_before);
END;
$$;

COMMENT ON FUNCTION jikan_sync.purge_history() IS
'Deletes history older than the setting `history_retention` (request counts: a year); answers how
many rows.';

COMMIT;
