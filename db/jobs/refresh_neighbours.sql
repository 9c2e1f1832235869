-- Deploy pgjikan:jobs/refresh_neighbours to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/recommend/count_traits
-- requires: functions/recommend/refresh_neighbours

-- Recommendations follow what changed within a minute or two, a bounded number a run. In a new
-- mirror the first run only counts: what is found before most vectors are there is of no use.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'refresh_neighbours',
    '1 minute',
    '20 seconds',
    'SELECT CASE WHEN t.anime_count = 0 THEN jikan_sync.count_traits(NULL)::integer '
    'ELSE jikan_sync.refresh_neighbours() END '
    'FROM jikan_sync.trait AS t WHERE t.kind = ''genre'' AND t.name = ''''',
    'Reckons anew what goes with titles that changed, and the oldest, a bounded number a run.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
