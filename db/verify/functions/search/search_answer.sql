-- Verify pgjikan:functions/search/search_answer on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.learn_search('verify probe', '{5, 1}');
    ASSERT jikan_sync.learned_mal_ids('verify probe') = '{5, 1}';
    PERFORM jikan_sync.search_failed('verify probe');
    ASSERT jikan_sync.learned_mal_ids('verify probe') = '{5, 1}';
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.learn_search(text, integer[])', 'execute'
    );
END;
$$;

ROLLBACK;
