-- Revert pgjikan:functions/index_titles from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.index_titles(bigint[]);
DROP FUNCTION jikan_sync.title_words(text, text);
DROP FUNCTION jikan_sync.popularity_tier(integer, numeric);
DROP FUNCTION jikan_sync.popularity_share(integer, numeric);
DROP FUNCTION jikan_sync.popularity_weight(integer, numeric);

COMMIT;
