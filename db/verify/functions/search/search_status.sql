-- Verify pgjikan:functions/search/search_status on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT s.state FROM anime.search_status('verify probe 7f3a') AS s) = 'unknown';
    PERFORM jikan_sync.learn_search('verify probe 7f3a', '{}');
    ASSERT (SELECT s.state FROM anime.search_status('Verify  probe 7f3a') AS s) = 'fetched';
    ASSERT has_function_privilege('anime_reader', 'anime.search_status(text)', 'execute');
END;
$$;

ROLLBACK;
