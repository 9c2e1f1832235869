-- Verify pgjikan:functions/store/document_fault on pg

BEGIN;

DO $$
BEGIN
    ASSERT jikan_sync.fits_field('[]', '{object,"null"}');
    ASSERT NOT jikan_sync.fits_field('[1]', '{object,"null"}');
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
END;
$$;

ROLLBACK;
