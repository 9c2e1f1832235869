-- Verify pgjikan:functions/search/correct_words on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT jikan_sync.correct_words('{nartuo,8}');
SELECT jikan_sync.resemble_word('nartuoo');

DO $$
BEGIN
    ASSERT jikan_sync.title_similarity('naruto', 'naruto') = 1;
    ASSERT NOT jikan_sync.is_word('?');
END;
$$;

ROLLBACK;
