-- Verify pgjikan:functions/search/story_hits on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.story_hits(text, integer, jikan_sync.face_filter)',
        'execute'
    );
    ASSERT (
        SELECT string_agg(t.lexeme, ' ' ORDER BY t.lexeme)
        FROM jikan_sync.story_terms('a witch and the witches') AS t
    ) = 'witch';
END;
$$;

ROLLBACK;
