-- Verify pgjikan:functions/search/index_stories on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.index_stories(bigint[])', 'execute'
    );
    ASSERT jikan_sync.word_weight(2, 31) > jikan_sync.word_weight(1, 31);
    ASSERT jikan_sync.word_weight(1, 62) < jikan_sync.word_weight(1, 31);
END;
$$;

ROLLBACK;
