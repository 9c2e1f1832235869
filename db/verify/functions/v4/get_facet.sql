-- Verify pgjikan:functions/v4/get_facet on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_pictures(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.review_text(jikan.review)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_reviews(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_stored_facet(bigint, text, integer)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_facet(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_episode(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_all(jikan_sync.v4_request)', 'execute'
    );
END;
$$;

ROLLBACK;
