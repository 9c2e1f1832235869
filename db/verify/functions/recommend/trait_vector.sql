-- Verify pgjikan:functions/recommend/trait_vector on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.trait_vector(text[], text[], text, text, text, double precision, double precision, double precision, double precision, double precision, double precision)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.trait_vector(text[], text[], text, text, text, double precision, double precision, double precision, double precision, double precision, double precision)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.trait_product(sparsevec, sparsevec)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.trait_product(sparsevec, sparsevec)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.vector_product(halfvec, halfvec)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.vector_product(halfvec, halfvec)',
        'execute'
    );
END;
$$;

ROLLBACK;
