-- Verify pgjikan:functions/face/plain_text on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT has_function_privilege('anime_reader', 'anime.decode_entities(text)', 'execute');

DO $$
BEGIN
    ASSERT anime.plain_text('R&amp;B &#039;n&#x2019; &Eacute;') = U&'R&B \0027n\2019 \00C9';
    ASSERT anime.plain_text('AT&T &T; &#0; &amp;amp;') = 'AT&T &T; &#0; &amp;';
    ASSERT anime.plain_text(NULL) IS NULL;
    ASSERT jikan_sync.plain_entries('[{"n": "&amp;"}, 5]', 'n') = '[{"n": "&"}, 5]';
    ASSERT has_function_privilege('anime_reader', 'anime.plain_text(text)', 'execute');
END;
$$;

ROLLBACK;
