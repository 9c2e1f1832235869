-- Revert pgjikan:schema/setting from pg

BEGIN;

DROP FUNCTION jikan_sync.setting_boolean(text);
DROP FUNCTION jikan_sync.setting_interval(text);
DROP FUNCTION jikan_sync.setting_number(text);
DROP FUNCTION jikan_sync.setting_text(text);
DROP TABLE jikan_sync.setting;
DROP FUNCTION jikan_sync.tg_keep_names();
DROP FUNCTION jikan_sync.tg_check_setting();

COMMIT;
