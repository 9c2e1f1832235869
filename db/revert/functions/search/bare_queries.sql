-- Revert pgjikan:functions/search/bare_queries from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.is_title(text);
DROP FUNCTION jikan_sync.bare_queries(text);
DROP FUNCTION jikan_sync.may_be_bare(text);
DROP FUNCTION jikan_sync.bare_end(text);
DROP FUNCTION jikan_sync.meant_types(text);
DROP TYPE jikan_sync.bare_query;

COMMIT;
