-- Verify pgjikan:functions/upstream/reserve_request on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.upstream_available();
    PERFORM jikan_sync.upstream_available(keys => '{tenrai}');
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.reserve_request(text, text, text[])', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.reserve_request(text, text, text[])', 'execute'
    );
END;
$$;

ROLLBACK;
