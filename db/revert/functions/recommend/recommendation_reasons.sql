-- Revert pgjikan:functions/recommend/recommendation_reasons from pg

BEGIN;

DROP FUNCTION jikan_sync.recommendation_reasons(bigint[], boolean[], bigint[], integer[]);

COMMIT;
