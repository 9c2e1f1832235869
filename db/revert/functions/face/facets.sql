-- Revert pgjikan:functions/face/facets from pg

BEGIN;

DROP FUNCTION anime.statistics(integer);
DROP FUNCTION anime.videos(integer);
DROP FUNCTION anime.recommendations(integer, integer, boolean);
DROP FUNCTION anime.staff(integer, integer);
DROP FUNCTION anime.characters(integer, integer);
DROP FUNCTION anime.episodes(integer, integer, integer);

COMMIT;
