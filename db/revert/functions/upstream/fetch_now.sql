-- Revert pgjikan:functions/upstream/fetch_now from pg

-- The language stays: other functions may use it.

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION anime.fetch_now(integer);
DROP FUNCTION jikan_sync.install_fetch_now();
DROP FUNCTION jikan_sync.record_fetch(
    integer, text, text, integer, text, interval, double precision, integer, boolean
);

COMMIT;
