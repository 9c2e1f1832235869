-- Verify pgjikan:functions/queue/claim on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.claim(text, text, integer, text[])', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.claim(text, text, integer, text[])', 'execute'
    );
END;
$$;

ROLLBACK;
