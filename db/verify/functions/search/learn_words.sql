-- Verify pgjikan:functions/search/learn_words on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.claim_words(integer)', 'execute');
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.store_words(integer, text[], text[], text[])', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.claim_words(integer)', 'execute'
    );
END;
$$;

ROLLBACK;
