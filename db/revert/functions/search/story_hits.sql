-- Revert pgjikan:functions/search/story_hits from pg

BEGIN;

DROP FUNCTION jikan_sync.story_hits(text, integer, jikan_sync.face_filter);

DROP FUNCTION jikan_sync.story_terms(text);

COMMIT;
