-- Revert pgjikan:functions/queue/fold_wishes from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.fold_wishes(integer);
DROP FUNCTION jikan_sync.fold_searches(jikan_sync.wish[]);
DROP FUNCTION jikan_sync.fold_vectors(jikan_sync.wish[]);
DROP FUNCTION jikan_sync.fold_facets(jikan_sync.wish[]);
DROP FUNCTION jikan_sync.is_given_up(text);
DROP FUNCTION jikan_sync.is_wanted(text, text);
DELETE FROM jikan_sync.setting
WHERE name IN ('dead_letter_pause');

COMMIT;
