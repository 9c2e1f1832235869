-- Revert pgjikan:functions/search/normalise_season from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.split_season(text);
DROP FUNCTION jikan_sync.may_have_season(text);
DROP FUNCTION jikan_sync.fold_title(text);
DROP FUNCTION jikan_sync.fold_kana(text);

COMMIT;
