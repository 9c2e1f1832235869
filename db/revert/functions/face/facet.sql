-- Revert pgjikan:functions/face/facet from pg

BEGIN;

DROP FUNCTION anime.facet(integer, text);
DROP FUNCTION jikan_sync.look_at(integer, text);

COMMIT;
