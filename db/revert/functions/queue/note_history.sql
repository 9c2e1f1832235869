-- Revert pgjikan:functions/queue/note_history from pg

BEGIN;

DROP FUNCTION jikan_sync.note_history(jikan_sync.queue[], text, text, text);

COMMIT;
