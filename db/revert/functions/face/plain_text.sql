-- Revert pgjikan:functions/face/plain_text from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.plain_entries(jsonb, text);
DROP FUNCTION anime.plain_text(text);
DROP FUNCTION anime.decode_entities(text);

COMMIT;
