-- Verify pgjikan:functions/search/normalise_query on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.normalise_query('STEINS;GATE ') = jikan_sync.normalise_query('steins gate');
END;
$$;

ROLLBACK;
