-- Verify pgjikan:functions/index_titles on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT has_function_privilege('jikan_owner', 'jikan_sync.index_titles(bigint[])', 'execute');

DO $$
BEGIN
    ASSERT jikan_sync.popularity_weight(1023, NULL) = 10;
    ASSERT jikan_sync.popularity_tier(1023, NULL) = 6;
    ASSERT '.ttgl' = ANY (
        jikan_sync.title_words('tengen toppa gurren lagann', 'tengen toppa gurren lagann')
    );
END;
$$;

ROLLBACK;
