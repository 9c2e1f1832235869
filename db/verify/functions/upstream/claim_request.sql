-- Verify pgjikan:functions/upstream/claim_request on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.claim_request(text, text[])', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.claim_request(text, text[])', 'execute'
    );
END;
$$;

ROLLBACK;
