-- Verify pgjikan:functions/queue/claim_head on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.remember_heads('jikan', '1 second');
    ASSERT (jikan_sync.recall_heads('jikan')).until > clock_timestamp();
    PERFORM jikan_sync.remember_heads('jikan', '0 seconds');
    ASSERT jikan_sync.recall_heads('jikan') IS NULL;
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.recall_heads(text)', 'execute'
    );
END;
$$;

ROLLBACK;
