-- Verify pgjikan:functions/store/load_documents on pg

BEGIN;

DO $$
BEGIN
    ASSERT jikan_sync.documents_in('[{"data": [1]}, [2], {"data": {"mal_id": 3}}, 4]')
    = '[1, 2, {"mal_id": 3}, 4]';
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.load_documents(text, timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.load_documents(text, timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.analyze_mirror()', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.analyze_mirror()', 'execute'
    );
END;
$$;

ROLLBACK;
