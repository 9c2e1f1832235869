-- Verify pgjikan:functions/record_response on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.is_at_fault(jikan_sync.queue, text)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.is_at_fault(jikan_sync.queue, text)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.store_response(jikan_sync.queue, jsonb, timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.store_response(jikan_sync.queue, jsonb, timestamptz)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.record_response(bigint, uuid, text, text, integer, text, interval, double precision, integer, text)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.record_response(bigint, uuid, text, text, integer, text, interval, double precision, integer, text)', 'execute'
    );
END;
$$;

ROLLBACK;
