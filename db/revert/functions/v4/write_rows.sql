-- Revert pgjikan:functions/v4/write_rows from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP TRIGGER note_deleted_v4_row ON jikan.v4_row;
DROP TRIGGER note_changed_v4_row ON jikan.v4_row;
DROP TRIGGER note_new_v4_row ON jikan.v4_row;
DROP FUNCTION jikan_sync.tg_note_v4_change();
DROP TRIGGER write_v4_rows_of_changed ON jikan.anime;
DROP TRIGGER write_v4_rows_of_new ON jikan.anime;
DROP FUNCTION jikan_sync.tg_write_v4_rows();
DROP FUNCTION jikan_sync.v4_write_rows(bigint[]);
DROP FUNCTION jikan_sync.v4_tag(text, integer);
DROP FUNCTION jikan_sync.season_key(integer, text, timestamp with time zone);
DROP FUNCTION jikan_sync.entries_text(jsonb);
DROP FUNCTION jikan_sync.images_text(jsonb);
DROP FUNCTION jikan_sync.json_at(jsonb, text[]);
DROP FUNCTION jikan_sync.json_text(text);

COMMIT;
