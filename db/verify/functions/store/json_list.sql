-- Verify pgjikan:functions/store/json_list on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.json_list('[1]') = '[1]';
    ASSERT jikan_sync.json_list('{}') = '[]';
    ASSERT jikan_sync.json_list(NULL) = '[]';
END;
$$;

ROLLBACK;
