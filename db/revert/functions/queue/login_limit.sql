-- Revert pgjikan:functions/queue/login_limit from pg

BEGIN;

DROP FUNCTION jikan_sync.facet_priority(text[], text);
DROP FUNCTION jikan_sync.query_vector_priority(text);
DROP FUNCTION jikan_sync.unknown_priority(text);
DROP FUNCTION jikan_sync.unknown_allowance(text);
DROP FUNCTION jikan_sync.search_priority(text);
DROP FUNCTION jikan_sync.search_allowance(text);

COMMIT;
