-- Verify pgjikan:functions/v4/get_list on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_top(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.season_now()', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_season(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_upcoming(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_schedule(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_seasons(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_genres(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_random(jikan_sync.v4_request)', 'execute'
    );
END;
$$;

ROLLBACK;
