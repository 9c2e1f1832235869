-- Verify pgjikan:functions/search/search_spelling on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT jikan_sync.correct_word('nartuo');
SELECT jikan_sync.resemble_word('nartuoo');

DO $$
BEGIN
    ASSERT jikan_sync.title_similarity('naruto', 'naruto') = 1;
END;
$$;

ROLLBACK;
