-- Revert pgjikan:functions/freshness/refresh_stale from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.sync_season_around(integer);
DROP FUNCTION jikan_sync.sync_catalogue_if_due();
DROP FUNCTION jikan_sync.catalogue_size();
DROP FUNCTION jikan_sync.refresh_stale();
DROP TABLE jikan_sync.refresh_budget;
DELETE FROM jikan_sync.setting
WHERE
    name IN (
        'refresh_per_run', 'refresh_per_day', 'catalogue_share', 'catalogue_size', 'catalogue_lead'
    );

COMMIT;
