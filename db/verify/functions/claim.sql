-- Verify pgjikan:functions/claim on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.claim(text, text, integer)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.claim(text, text, integer)', 'execute'
    );
END;
$$;

ROLLBACK;
