-- Verify pgjikan:functions/search/search_lookup on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT key FROM jikan_sync.find_key('a', 'b', 1);
SELECT anime_id FROM jikan_sync.find_word('a', 'b', 1);
SELECT anime_id FROM jikan_sync.find_anime('a', 1);

ROLLBACK;
