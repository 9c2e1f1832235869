-- Verify pgjikan:functions/embeddings/embedding_text on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.embedding_text(
        'Naruto', 'Naruto', 'ナルト', '{NARUTO,b,c,d,e,f}', '{action,shounen}', '{}', NULL
    ) = E'Naruto, ナルト, NARUTO, b, c, d, e\naction, shounen';
END;
$$;

ROLLBACK;
