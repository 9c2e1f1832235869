-- Verify pgjikan:functions/store/document_titles on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.document_titles(NULL, 'A', NULL, 'B', '{C}') -> 1 ->> 'title' = 'C';
    ASSERT jikan_sync.document_titles('[{"title": "D"}]', 'A', NULL, NULL, '{}') -> 0 ->> 'title' = 'D';
END;
$$;

ROLLBACK;
