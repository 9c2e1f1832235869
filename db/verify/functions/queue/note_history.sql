-- Verify pgjikan:functions/queue/note_history on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.note_history(jikan_sync.queue[], text, text, text)', 'execute');
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.note_history(jikan_sync.queue[], text, text, text)', 'execute');
END;
$$;

ROLLBACK;
