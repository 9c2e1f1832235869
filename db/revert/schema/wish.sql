-- Revert pgjikan:schema/wish from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN (
    'wish_max', 'wish_per_transaction', 'unknown_per_minute', 'unknown_per_hour',
    'facet_per_minute', 'max_low_facets'
);

DROP TABLE jikan_sync.login_count;
DROP TABLE jikan_sync.wish_fold;
DROP TABLE jikan_sync.wish;
DROP FUNCTION jikan_sync.tg_notify_wish();

COMMIT;
