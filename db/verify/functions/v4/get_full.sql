-- Verify pgjikan:functions/v4/get_full on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.relations_text(bigint)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.songs_text(bigint)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.links_text(bigint, text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_full(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_relations(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_themes(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_links(jikan_sync.v4_request)', 'execute'
    );
END;
$$;

ROLLBACK;
