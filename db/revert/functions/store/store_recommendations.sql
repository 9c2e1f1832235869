-- Revert pgjikan:functions/store/store_recommendations from pg

BEGIN;

UPDATE jikan_sync.facet SET store = NULL
WHERE name = 'recommendations';

DROP FUNCTION jikan_sync.store_recommendations(integer, jsonb, timestamptz);
DROP FUNCTION jikan_sync.list_known_at(integer);
DROP FUNCTION jikan_sync.recommendation_fault(jsonb, integer);

COMMIT;
