-- Verify pgjikan:functions/store/index_titles on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT has_function_privilege('jikan_owner', 'jikan_sync.index_titles(bigint[])', 'execute');

DO $$
BEGIN
    ASSERT '.ttgl' = ANY (
        jikan_sync.title_words('tengen toppa gurren lagann', 'tengen toppa gurren lagann')
    );
END;
$$;

ROLLBACK;
