-- Revert pgjikan:functions/search/popularity from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.popularity_tier(integer, numeric);
DROP FUNCTION jikan_sync.popularity_share(integer, numeric);
DROP FUNCTION jikan_sync.popularity_weight(integer, numeric);

COMMIT;
