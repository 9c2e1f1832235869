-- Verify pgjikan:functions/queue/enqueue on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
DECLARE
    v_id bigint := jikan_sync.enqueue('anime', 2147483647);
BEGIN
    ASSERT v_id = jikan_sync.enqueue('anime', 2147483647, priority => 'high');
    ASSERT (SELECT priority FROM jikan_sync.queue WHERE id = v_id) = 'high';
    ASSERT jikan_sync.enqueue_many(
        'facet', '{2147483647, 2147483647}', payload => '{"facet": "reviews"}'
    ) = 1;
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.enqueue(text, integer, jsonb, text, timestamptz)', 'execute'
    );
END;
$$;

ROLLBACK;
