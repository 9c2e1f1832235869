-- Verify pgjikan:functions/v4/list on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_word_tag(text, text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_meanings(text, text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_condition(jikan_sync.v4_filter)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_count_rows(jikan_sync.v4_filter, integer[])', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_range_bits(text, integer, integer, integer)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_count(jikan_sync.v4_filter)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_page(jikan_sync.v4_filter, text, boolean, bigint, integer, bigint)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_documents(bigint[])', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_pagination(bigint, integer, integer, integer)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_finish(jikan_sync.v4_request, bigint, integer, integer, bigint[], text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_filter(jikan_sync.v4_request, boolean)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_list(jikan_sync.v4_request, jikan_sync.v4_filter, text, boolean)', 'execute'
    );
END;
$$;

ROLLBACK;
