-- Verify pgjikan:functions/v4/notify_changed on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege('jikan_owner', 'jikan_sync.tg_notify_changed()', 'execute');
    ASSERT (SELECT count(*) = 10 FROM pg_trigger AS t WHERE t.tgname = 'notify_changed');
END;
$$;

ROLLBACK;
