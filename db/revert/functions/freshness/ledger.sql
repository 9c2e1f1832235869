-- Revert pgjikan:functions/freshness/ledger from pg

BEGIN;

DROP TRIGGER keep_ledger_of_deleted ON jikan.anime;
DROP TRIGGER keep_ledger_of_changed ON jikan.anime;
DROP TRIGGER keep_ledger_of_new ON jikan.anime;
DROP FUNCTION jikan_sync.tg_keep_ledger();
DROP FUNCTION jikan_sync.is_unknown_upstream(integer, text);
DROP FUNCTION jikan_sync.facet_synced_at(text, integer);
DROP FUNCTION jikan_sync.forget_answer(text, integer);
DROP FUNCTION jikan_sync.note_stored(text, integer, timestamptz);
DROP FUNCTION jikan_sync.note_answer(text, integer, text);
DROP FUNCTION jikan_sync.answer_pause(text, integer);
DROP FUNCTION jikan_sync.may_ask(text, integer);

COMMIT;
