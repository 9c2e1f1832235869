-- Revert pgjikan:functions/recommend/count_traits from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.count_traits(integer);

COMMIT;
