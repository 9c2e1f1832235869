-- Verify pgjikan:functions/embedding_text on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.embedding_text('Naruto', 'Naruto', '{action}', '{}', NULL) = E'Naruto\naction';
END;
$$;

ROLLBACK;
