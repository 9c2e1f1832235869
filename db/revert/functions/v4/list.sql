-- Revert pgjikan:functions/v4/list from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_list(jikan_sync.v4_request, jikan_sync.v4_filter, text, boolean);
DROP FUNCTION jikan_sync.v4_filter(jikan_sync.v4_request, boolean);
DROP FUNCTION jikan_sync.v4_finish(jikan_sync.v4_request, bigint, integer, integer, bigint[], text);
DROP FUNCTION jikan_sync.v4_pagination(bigint, integer, integer, integer);
DROP FUNCTION jikan_sync.v4_documents(bigint[]);
DROP FUNCTION jikan_sync.v4_page(jikan_sync.v4_filter, text, boolean, bigint, integer, bigint);
DROP FUNCTION jikan_sync.v4_count(jikan_sync.v4_filter);
DROP FUNCTION jikan_sync.v4_range_bits(text, integer, integer, integer);
DROP FUNCTION jikan_sync.v4_count_rows(jikan_sync.v4_filter, integer[]);
DROP FUNCTION jikan_sync.v4_condition(jikan_sync.v4_filter);
DROP FUNCTION jikan_sync.v4_meanings(text, text);
DROP FUNCTION jikan_sync.v4_word_tag(text, text);
DROP TYPE jikan_sync.v4_filter;

COMMIT;
