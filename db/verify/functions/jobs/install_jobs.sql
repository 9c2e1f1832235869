-- Verify pgjikan:functions/jobs/install_jobs on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.cron_schedule('1 minute', '0') = '* * * * *';
    ASSERT jikan_sync.cron_schedule('5 minutes', '2 minutes') = '2-59/5 * * * *';
    ASSERT jikan_sync.cron_schedule('12 hours', '3:17') = '17 3-23/12 * * *';
    ASSERT jikan_sync.cron_schedule('1 day', '2 hours') = '0 2 * * *';
    ASSERT jikan_sync.cron_schedule('7 days', '4:23') = '23 4 * * 1';
    ASSERT has_function_privilege('jikan_sync.install_jobs()', 'execute');
END;
$$;

ROLLBACK;
