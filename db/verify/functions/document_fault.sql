-- Verify pgjikan:functions/document_fault on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.document_fault(jsonb)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.document_fault(jsonb)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.document_mal_id(jsonb)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.document_mal_id(jsonb)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.json_list(jsonb)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.json_list(jsonb)', 'execute'
    );
END;
$$;

ROLLBACK;
