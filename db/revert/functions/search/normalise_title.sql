-- Revert pgjikan:functions/search/normalise_title from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.marked_title(text);
DROP FUNCTION jikan_sync.normalise_title(text);
DROP FUNCTION jikan_sync.normalise_unicode(text);

COMMIT;
