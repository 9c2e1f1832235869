-- Verify pgjikan:functions/search/story_words on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.story_words(text)', 'execute');
    ASSERT (
        SELECT string_agg(w.lexeme, ' ' ORDER BY w.lexeme)
        FROM jikan_sync.story_words('The witches of the WITCH, 魔女が') AS w
    ) = 'witch witch 魔女';
    ASSERT (
        SELECT string_agg(w.word, ' ' ORDER BY w.word)
        FROM jikan_sync.foreign_words('Die Hexe und ihre Katze') AS w
    ) = 'hexe katze';
END;
$$;

ROLLBACK;
