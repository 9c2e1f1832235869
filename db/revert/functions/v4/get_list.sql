-- Revert pgjikan:functions/v4/get_list from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_get_random(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_genres(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_seasons(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_schedule(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_upcoming(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_season(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.season_now();
DROP FUNCTION jikan_sync.v4_get_top(jikan_sync.v4_request);

COMMIT;
